"""Every kind of toxic tells whether it hit anything: one that nobody met is a fault that was none."""

import time
from contextlib import suppress

import httpx
import pytest
from tests.chaos.proxy.running import Rig, eventually
from tests.chaos.proxy.samples import ON_BYTES, ON_HTTP, names

from opsctl.chaos.proxy.toxics import Silent, Toxic


@pytest.mark.parametrize("toxic", ON_HTTP, ids=names(ON_HTTP))
def test_a_toxic_counts_a_call_that_it_hits_even_one_that_is_given_up(rig: Rig, toxic: Toxic):
    """Whoever asks has a timeout, often shorter than what the toxic does to the answer."""
    client = rig.new_client(timeout=0.3)
    client.get("/collections/feed/points/query")
    rig.set(toxic)

    with suppress(httpx.TransportError):
        client.get("/collections/feed/points/query")

    assert eventually(lambda: rig.state().toxics[0].hits > 0)


@pytest.mark.parametrize("toxic", ON_BYTES, ids=names(ON_BYTES))
def test_a_toxic_counts_a_connection_of_bytes_that_it_hits(rig: Rig, toxic: Toxic):
    """Databases and caches keep theirs open for hours."""
    sock = rig.connect_and_talk()
    rig.set(toxic, line="tcp")

    with suppress(OSError):
        sock.sendall(b"hello")

    assert eventually(lambda: rig.state("tcp").toxics[0].hits > 0)


def test_a_silent_line_counts_a_connection_that_it_never_carries_on(rig: Rig):
    """Nothing is said on it, but somebody came."""
    rig.set(Silent(), line="tcp")

    rig.connect()

    assert eventually(lambda: rig.state("tcp").toxics[0].hits == 1)


@pytest.mark.parametrize("toxic", ON_HTTP, ids=names(ON_HTTP))
def test_a_toxic_that_nobody_meets_has_hit_nothing(rig: Rig, toxic: Toxic):
    """Not even the connections that were used before and are idle, unless it cuts them."""
    rig.set(toxic)

    time.sleep(0.05)

    assert rig.state().toxics[0].hits == 0
