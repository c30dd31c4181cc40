"""Without toxics the proxy is not there; with a toxic of the line, bytes come late, in part, or not at all."""

import json
import socket
import struct
import time

import httpx
import pytest
from tests.chaos.proxy.running import Rig, eventually, receive_all, receive_exactly
from tests.chaos.proxy.upstreams import BIG, HITS, QUERY

from opsctl.chaos.proxy.plan import HOST
from opsctl.chaos.proxy.toxics import (
    Bandwidth,
    Down,
    Flap,
    Latency,
    OneWay,
    Reset,
    Silent,
    Slice,
    Stream,
    Toxic,
    Truncate,
)


def test_five_megabytes_pass_unharmed_in_both_directions(either_rig: Rig):
    """Through HTTP, up and down at once in one call."""
    answer = either_rig.client.post("/echo", content=BIG)

    assert answer.content == BIG
    state = either_rig.state()
    assert state.calls == 1
    assert state.bytes_up > len(BIG)
    assert state.bytes_down > len(BIG)


def test_bytes_of_any_protocol_pass_and_half_a_close_is_half_a_close(either_rig: Rig):
    """Whoever says no more still hears the answer."""
    sock = either_rig.connect()
    sock.sendall(b"hello")
    assert receive_exactly(sock, 5) == b"hello"

    sock.shutdown(socket.SHUT_WR)

    assert receive_all(sock) == b"over"
    assert eventually(lambda: either_rig.state("tcp").connections == 0)


@pytest.mark.parametrize("path", ["/chunked", "/until-close", "/early", "/small"])
def test_each_way_to_end_a_message_is_followed(rig: Rig, path: str):
    """Twice, so that the border was found."""
    first, second = rig.client.get(path), rig.client.get(path)

    assert first.status_code == second.status_code == 200
    assert first.content == second.content != b""
    assert rig.upstream.seen[path] == 2


def test_an_answer_to_head_has_no_body_to_wait_for(rig: Rig):
    """Its length tells of a body that never comes."""
    assert rig.client.head("/small").headers["content-length"] == "14"

    assert rig.client.get("/small").status_code == 200
    assert rig.state().accepted == 1


def test_requests_that_are_sent_ahead_are_answered_in_order(rig: Rig):
    """Pipelining is rare, and allowed."""
    sock = rig.connect("http")

    sock.sendall(b"GET /small HTTP/1.1\r\n\r\nGET /until-close HTTP/1.1\r\n\r\n")

    said = receive_all(sock)
    assert said.index(b'{"items": [1]}') < said.index(b"to the end")


def test_what_is_no_http_ends_in_a_reset_and_is_counted(rig: Rig):
    """Nobody can say where such a message ends."""
    with pytest.raises(httpx.TransportError):
        rig.client.get("/garbage")

    assert rig.state().broken_messages == 1


@pytest.mark.parametrize("path", ["/chunked", "/big", "/small"])
def test_a_client_that_goes_away_in_mid_answer_leaves_nothing_behind(either_rig: Rig, path: str):
    """Not even an exception that nobody took, which would fill the log of the proxy."""
    for _ in range(40):
        with socket.create_connection((HOST, either_rig.port_of("http")), timeout=3) as sock:
            sock.sendall(f"GET {path} HTTP/1.1\r\n\r\n".encode() * 3)
            sock.recv(1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    assert eventually(lambda: either_rig.state().connections == 0)
    assert either_rig.client.get("/small").status_code == 200


def test_an_upstream_that_refuses_is_a_reset_for_the_client(either_rig: Rig):
    """As an outage looks, and not as an answer of the proxy."""
    with pytest.raises(ConnectionResetError):
        either_rig.connect("dead").recv(1)  # it may come while we still connect

    assert either_rig.state("dead").upstream_failures == 1


def test_a_slow_reader_makes_the_sender_wait(rig: Rig):
    """What lies in between is bounded: a few buffers of the kernel and of the proxy."""
    sock = rig.connect("http")
    sock.sendall(b"GET /endless HTTP/1.1\r\n\r\n")
    assert eventually(lambda: rig.upstream.sent_bytes > 0)

    time.sleep(0.15)
    before = rig.upstream.sent_bytes
    time.sleep(0.15)

    assert rig.upstream.sent_bytes == before < 24 * 1024 * 1024


def test_latency_comes_on_open_connections_and_goes_with_its_toxic(rig: Rig):
    """Each way has its own."""
    assert rig.client.get("/small").elapsed.total_seconds() < 0.1

    rig.set(Latency(delay_seconds=0.1, stream=Stream.DOWN))
    down_seconds = rig.client.get("/small").elapsed.total_seconds()
    rig.control.set("http", "more", Latency(delay_seconds=0.05, stream=Stream.UP), ttl_seconds=9)
    both_seconds = rig.client.get("/small").elapsed.total_seconds()
    rig.control.clear()

    assert down_seconds >= 0.1
    assert both_seconds >= 0.15
    assert rig.client.get("/small").elapsed.total_seconds() < 0.1
    assert rig.state().accepted == 1


def test_latency_is_a_delay_and_no_brake(rig: Rig):
    """Five megabytes take the delay and a little, not the delay for each packet."""
    rig.set(Latency(delay_seconds=0.05, stream=Stream.DOWN))
    began = time.monotonic()

    assert rig.client.get("/big").content == BIG

    assert 0.05 < time.monotonic() - began < 3


def test_jitter_differs_from_call_to_call_and_is_the_same_in_each_run(rig: Rig):
    """The n-th call has the same delay every time."""
    rig.set(Latency(delay_seconds=0.03, jitter_seconds=0.03))

    seconds = [rig.client.get("/small").elapsed.total_seconds() for _ in range(6)]

    assert max(seconds) - min(seconds) > 0.01
    assert max(seconds) < 0.2


def test_a_delay_ends_early_when_its_toxic_does(rig: Rig):
    """What already waits is let go."""
    rig.set(Latency(delay_seconds=60), ttl_seconds=0.1)

    assert rig.client.get("/small").elapsed.total_seconds() < 1


def test_down_cuts_open_connections_and_refuses_new_ones_until_it_is_over(either_rig: Rig):
    """Both protocols; the port is ours again afterwards."""
    kept = either_rig.connect_and_talk()

    either_rig.set(Down(), line="tcp")

    with pytest.raises(ConnectionResetError):
        kept.recv(1)
    with pytest.raises(ConnectionRefusedError):
        either_rig.connect()
    assert not either_rig.state("tcp").is_listening
    either_rig.control.clear("tcp")
    either_rig.connect_and_talk()


def test_down_for_a_share_cuts_that_share(rig: Rig):
    """Half of forty connections, give or take; the same ones every time."""
    connections = [rig.connect() for _ in range(40)]
    assert eventually(lambda: rig.state("tcp").connections == 40)

    rig.set(Down(share=0.5), line="tcp")

    assert eventually(lambda: rig.state("tcp").connections < 30)
    assert 10 < rig.state("tcp").cut < 30
    for sock in connections:
        sock.close()


def test_silence_freezes_open_connections_and_new_ones_and_thaws(either_rig: Rig):
    """As TCP does after a partition: what was said arrives late."""
    kept = either_rig.connect_and_talk()
    either_rig.set(Silent(), line="tcp")

    fresh = either_rig.connect()
    for sock in (kept, fresh):
        sock.sendall(b"b")
        sock.settimeout(0.1)
        with pytest.raises(TimeoutError):
            sock.recv(1)

    either_rig.control.clear()
    for sock in (kept, fresh):
        sock.settimeout(3)
        assert receive_exactly(sock, 1) == b"b"


def test_silence_keeps_an_http_answer_that_is_on_its_way(rig: Rig):
    """And clients that gave up do not pile up behind it."""
    impatient = rig.new_client(timeout=0.15)
    assert impatient.get("/small").status_code == 200
    rig.set(Silent())

    for _ in range(3):
        with pytest.raises(httpx.ReadTimeout):
            impatient.get("/small")

    assert rig.upstream.seen["/small"] == 1
    assert eventually(lambda: rig.state().connections == 0)


def test_one_way_lets_requests_arrive_and_answers_never(rig: Rig):
    """Half of a partition: the upstream has done the work."""
    impatient = rig.new_client(timeout=0.15)
    assert impatient.get("/small").status_code == 200
    rig.set(OneWay())

    with pytest.raises(httpx.ReadTimeout):
        impatient.get("/small")

    assert rig.upstream.seen["/small"] == 2


def test_bandwidth_paces_an_answer_and_a_request(rig: Rig):
    """20 kB at 100 kB/s are 0.2 s, each way."""
    rig.set(Bandwidth(bytes_per_second=100_000))

    answer = rig.client.post("/echo", content=bytes(20_000))

    assert len(answer.content) == 20_000
    assert 0.39 < answer.elapsed.total_seconds() < 3


def test_slices_arrive_one_by_one(rig: Rig):
    """Whole in the end."""
    sock = rig.connect("http")
    rig.set(Slice(bytes_per_piece=5, pause_seconds=0.02))

    sock.sendall(b"GET /until-close HTTP/1.1\r\n\r\n")

    pieces = list(iter(lambda: sock.recv(100), b""))
    assert [piece[-5:] for piece in pieces] == [b"to th", b"e end"]


@pytest.mark.parametrize("line", ["http", "tcp"])
def test_a_reset_in_mid_answer_shows_its_first_part(either_rig: Rig, line: str):
    """On HTTP it counts from the body on."""
    sock = either_rig.connect(line)
    either_rig.set(Reset(after_bytes=4), line=line)

    sock.sendall(b"GET /small HTTP/1.1\r\n\r\n")

    with pytest.raises(ConnectionResetError):
        _receive_onto(received := bytearray(), sock)
    assert received.endswith(b'\r\n\r\n{"it' if line == "http" else b"GET ")
    assert either_rig.state(line).toxics[0].hits == 1


def test_a_truncated_answer_ends_in_order_and_too_early(either_rig: Rig):
    """An established connection, and the client knows by the length."""
    either_rig.client.get("/small")
    either_rig.set(Truncate(after_bytes=4))

    with pytest.raises(httpx.RemoteProtocolError, match="4 bytes, expected 14"):
        either_rig.client.get("/small")

    either_rig.control.clear()
    assert either_rig.client.get("/small").status_code == 200


def test_truncated_bytes_end_without_a_reset(either_rig: Rig):
    """The peer reads to the end and sees no error."""
    sock = either_rig.connect()
    either_rig.set(Truncate(after_bytes=3), line="tcp")

    sock.sendall(b"hello")

    assert receive_all(sock) == b"hel"


def test_a_flapping_line_is_down_first_and_up_in_turns(rig: Rig):
    """0.1 s down, 0.1 s up."""
    rig.set(Flap(up_seconds=0.1, down_seconds=0.1))

    seen: list[bool] = []
    deadline = time.monotonic() + 3
    while len(seen) < 4 and time.monotonic() < deadline:
        try:
            is_up = rig.new_client().get("/small").status_code == 200
        except httpx.TransportError:
            is_up = False
        if not seen or seen[-1] != is_up:
            seen.append(is_up)
        time.sleep(0.01)

    assert seen == [False, True, False, True]


@pytest.mark.parametrize("toxic", [Latency(delay_seconds=0.2), Silent(), Down()], ids=lambda each: each.kind)
def test_a_lease_ends_by_itself(rig: Rig, toxic: Toxic):
    """0.3 s after it was set, whoever set it."""
    began = time.monotonic()
    rig.set(toxic, ttl_seconds=0.3)
    assert rig.state().toxics[0].remaining_seconds <= 0.3

    assert eventually(lambda: rig.state().toxics == ())

    assert 0.25 < time.monotonic() - began < 1.5
    answer = rig.new_client().get("/small")
    assert answer.status_code == 200
    assert answer.elapsed.total_seconds() < 0.15


def test_several_toxics_work_together(rig: Rig):
    """A late answer that is cut."""
    rig.set(Latency(delay_seconds=0.1))
    rig.set(Truncate(after_bytes=4))
    began = time.monotonic()

    with pytest.raises(httpx.RemoteProtocolError):
        rig.client.get("/small")

    assert time.monotonic() - began > 0.1


def test_a_whole_answer_is_read_again_after_all_that(rig: Rig):
    """Set and cleared in mid-connection, and the stream is still in step."""
    for toxic in (Slice(bytes_per_piece=7, pause_seconds=0.001), Bandwidth(bytes_per_second=10**6)):
        rig.set(toxic)
        assert json.loads(rig.client.get("/chunked").content)["result"]["points"] == HITS
        rig.control.clear()
        assert rig.client.get("/chunked").json() == QUERY
    assert rig.state().accepted == 1


def _receive_onto(received: bytearray, sock: socket.socket) -> None:
    while part := sock.recv(1000):
        received += part
