"""Every kind of toxic tells whether it hit anything: one that nobody met is a fault that was none."""

import time
from contextlib import suppress

import httpx
import pytest
from tests.chaos.proxy.running import Rig, eventually

from opsctl.chaos.proxy.toxics import (
    Bandwidth,
    Down,
    Fail,
    Flap,
    Garble,
    Garbling,
    Latency,
    OneWay,
    Reset,
    Silent,
    Slice,
    Stream,
    Toxic,
    Truncate,
)

BYTES = (
    Latency(delay_seconds=0.01),
    Latency(delay_seconds=5.0),
    Latency(delay_seconds=5.0, stream=Stream.UP),
    Down(),
    Down(share=0.999),
    Flap(up_seconds=5.0, down_seconds=5.0),
    Silent(),
    OneWay(),
    Bandwidth(bytes_per_second=10_000),
    Bandwidth(bytes_per_second=1),
    Slice(bytes_per_piece=2, pause_seconds=0.01),
    Reset(after_bytes=1),
    Truncate(after_bytes=1),
)
HTTP = (*BYTES, Fail(status=503), Garble(what=Garbling.EMPTY))


def names(toxics: tuple[Toxic, ...]) -> list[str]:
    """Return a name for each case."""
    return [f"{toxic.kind}{number}" for number, toxic in enumerate(toxics)]


@pytest.mark.parametrize("toxic", HTTP, ids=names(HTTP))
def test_a_toxic_counts_a_call_that_it_hits_even_one_that_is_given_up(rig: Rig, toxic: Toxic):
    """Whoever asks has a timeout, often shorter than what the toxic does to the answer."""
    client = rig.new_client(timeout=0.3)
    client.get("/collections/feed/points/query")
    rig.set(toxic)

    with suppress(httpx.TransportError):
        client.get("/collections/feed/points/query")

    assert eventually(lambda: rig.state().toxics[0].hits > 0)


@pytest.mark.parametrize("toxic", BYTES, ids=names(BYTES))
def test_a_toxic_counts_a_connection_of_bytes_that_it_hits(rig: Rig, toxic: Toxic):
    """Databases and caches keep theirs open for hours."""
    sock = rig.connect()
    sock.sendall(b"before")
    assert sock.recv(6) == b"before"
    rig.set(toxic, line="tcp")

    with suppress(OSError):
        sock.sendall(b"hello")

    assert eventually(lambda: rig.state("tcp").toxics[0].hits > 0)


def test_a_silent_line_counts_a_connection_that_it_never_carries_on(rig: Rig):
    """Nothing is said on it, but somebody came."""
    rig.set(Silent(), line="tcp")

    rig.connect()

    assert eventually(lambda: rig.state("tcp").toxics[0].hits == 1)


@pytest.mark.parametrize("toxic", HTTP, ids=names(HTTP))
def test_a_toxic_that_nobody_meets_has_hit_nothing(rig: Rig, toxic: Toxic):
    """Not even the connections that were used before and are idle, unless it cuts them."""
    rig.set(toxic)

    time.sleep(0.05)

    assert rig.state().toxics[0].hits == 0
