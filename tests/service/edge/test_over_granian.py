"""The edge behind a real server and before hostile sockets: whatever comes, it answers or ends the connection, and goes on."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from tests.service.edge.world import KEY

_ROOT = Path(__file__).parents[3]
_AUTHORIZED = f"Host: x\r\nAuthorization: Bearer {KEY}\r\n".encode()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Serve an edge in its own process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    process = subprocess.Popen([sys.executable, "-m", "tests.service.edge.served", str(port)], cwd=_ROOT)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            httpx.get(f"http://127.0.0.1:{port}/healthz")
            break
        time.sleep(0.05)
    yield port
    process.terminate()
    assert process.wait(timeout=30) == 0


def exchange(port: int, *pieces: bytes) -> bytes:
    """Send bytes as they are and return whatever comes until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        received = b""
        with suppress(ConnectionError):
            for piece in pieces:
                connection.sendall(piece)
        with suppress(ConnectionError):
            while found := connection.recv(65536):
                received += found
        return received


def statuses(received: bytes) -> list[int]:
    """Return the status of each answer in a stream of them."""
    return [int(part[:3]) for part in received.split(b"HTTP/1.1 ")[1:]]


def is_well(port: int) -> bool:
    """Tell whether the next honest client is served."""
    headers = {"Authorization": f"Bearer {KEY}"}
    return httpx.get(f"http://127.0.0.1:{port}/v1/feed/1", headers=headers).status_code == 200


def test_a_feed_comes_over_the_wire_and_then_from_memory(port: int) -> None:
    """The server adds nothing that breaks a header."""
    with httpx.Client(
        base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {KEY}"}
    ) as client:
        first, second = client.get("/v1/feed/42"), client.get("/v1/feed/42")
        head = client.head("/v1/feed/42")
        same = client.get("/v1/feed/42", headers={"If-None-Match": second.headers["etag"]})

    assert (first.headers["x-cache"], second.headers["x-cache"]) == ("MISS", "HIT-L1")
    assert first.content == second.content
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(second.content))
    assert (same.status_code, same.content) == (304, b"")


def test_ten_megabytes_are_refused_unread(port: int) -> None:
    """413, and the connection ends; a client that sends on regardless harms nobody."""
    head = b"POST /v1/interactions HTTP/1.1\r\n" + _AUTHORIZED + b"Content-Length: 10485760\r\n\r\n"

    received = exchange(port, head)

    assert statuses(received) == [413]
    assert json.loads(received.partition(b"\r\n\r\n")[2])["code"] == "SVC105"
    exchange(port, head, *([b"x" * 65536] * 160))
    assert is_well(port)


def test_an_endless_chunked_body_is_refused(port: int) -> None:
    """Where it passes the limit."""
    head = b"POST /v1/interactions HTTP/1.1\r\n" + _AUTHORIZED + b"Transfer-Encoding: chunked\r\n\r\n"
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"

    received = exchange(port, head, *([chunk] * 6))

    assert statuses(received) in ([413], [])  # nothing where the reset overtook the answer
    assert is_well(port)


@pytest.mark.parametrize(
    "body", [b"zz\r\nabc\r\n", b"3\r\nabc\r\nzz\r\n", b"3\r\nabcdefgh\r\n", b"f" * 20 + b"\r\n"]
)
def test_broken_chunks_are_refused_as_a_problem(port: int, body: bytes) -> None:
    """400 with the service's own words, and the connection ends."""
    head = b"POST /v1/interactions HTTP/1.1\r\n" + _AUTHORIZED + b"Transfer-Encoding: chunked\r\n\r\n"

    received = exchange(port, head, body + b"0\r\n\r\n")

    assert statuses(received) == [400]
    assert json.loads(received.partition(b"\r\n\r\n")[2])["code"] == "SVC001"
    assert is_well(port)


def test_a_client_that_dribbles_is_cut_off(port: int) -> None:
    """408 within the time of the book, whatever it sends meanwhile."""
    head = b"POST /v1/interactions HTTP/1.1\r\n" + _AUTHORIZED + b"Content-Length: 1000\r\n\r\n{"

    received = exchange(port, head)

    assert statuses(received) == [408]
    assert is_well(port)


@pytest.mark.parametrize(
    "line",
    [
        b"GET /v1/feed/\xff\xfe HTTP/1.1",
        b"GET /v1/feed/%ff%fe HTTP/1.1",
        b"GET /v1/feed/1?region=%ff HTTP/1.1",
        b"GET /v1/feed/1?region=\xff HTTP/1.1",
        b"GET /v1/feed/%00 HTTP/1.1",
        b"GET /v1/feed/1%0d%0aSet-Cookie:%20a=b HTTP/1.1",
        b"GET http://evil.example/v1/feed/1 HTTP/1.1",
        b"GET //v1//feed//1 HTTP/1.1",
    ],
)
def test_broken_addresses_get_one_answer_without_foreign_headers(port: int, line: bytes) -> None:
    """Invalid UTF-8 and encoded line breaks never crash it nor make a header."""
    received = exchange(port, line + b"\r\n" + _AUTHORIZED + b"Connection: close\r\n\r\n")
    head = received.partition(b"\r\n\r\n")[0].lower()

    assert len(statuses(received)) <= 1
    assert statuses(received) != [500]
    assert b"set-cookie" not in head
    assert is_well(port)


@pytest.mark.parametrize(
    "header",
    [
        b"X-Request-Id: a\xff\xfe\r\n",
        b"X-Request-Id: a\nb\r\n",
        b"Traceparent: 00-\r\n",
        b"Authorization: Bearer \xff\r\n",
        b"If-None-Match: \xff\r\n",
        b"Origin: \xff\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    ],
)
def test_broken_headers_do_not_break_the_server(port: int, header: bytes) -> None:
    """Refused or ignored, never an error of the service."""
    request = b"GET /v1/feed/42 HTTP/1.1\r\n" + _AUTHORIZED + header + b"Connection: close\r\n\r\n"

    found = statuses(exchange(port, request))

    assert all(status < 500 for status in found)
    assert is_well(port)


def test_requests_in_one_stream_are_answered_in_order_until_the_junk(port: int) -> None:
    """What follows the junk is never taken for a request."""
    good = b"GET /v1/feed/42 HTTP/1.1\r\n" + _AUTHORIZED + b"\r\n"

    received = exchange(port, good + good + b"\x00\x01junk\r\n\r\n" + good)

    assert statuses(received)[:2] in ([200, 200], [])
    assert statuses(received).count(200) <= 2
    assert is_well(port)


def test_clients_that_leave_in_mid_answer_leave_nothing_behind(port: int) -> None:
    """The gauge of requests in flight goes back to where it was."""
    request = b"GET /v1/content/large HTTP/1.1\r\n" + _AUTHORIZED + b"\r\n"
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(request)
            assert connection.recv(1024).startswith(b"HTTP/1.1 200")
    deadline = time.monotonic() + 10
    while "ranking_requests_in_flight 1.0" not in httpx.get(f"http://127.0.0.1:{port}/metrics").text:
        assert time.monotonic() < deadline, "a request stays in flight"
        time.sleep(0.05)

    assert is_well(port)
