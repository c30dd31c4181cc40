"""A probe is answered, or it is not, in the time that it has: whatever the other side does, the drill goes on."""

import time
from collections.abc import Iterator

import pytest
from tests.fakes.faulty_server import BODY, FaultyServer, faulty_server
from tests.scratch_project import free_port

from opsctl.chaos.probes import Probe, ProbeAnswer
from opsctl.cli.chaos_asking import ask

NOTHING = ProbeAnswer(status=0)


@pytest.fixture(scope="module")
def server() -> Iterator[FaultyServer]:
    """Run a server that answers each path in its own way."""
    with faulty_server() as running:
        yield running


def probe(port: int, path: str = "/", *, timeout: str = "3s") -> Probe:
    """Return a probe of a path."""
    return Probe(name="one", url=f"http://127.0.0.1:{port}{path}", timeout=timeout)


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [("/chunked", 200, BODY.decode()), ("/until-close", 200, BODY.decode()), ("/bad-status", 503, "busy"), ("/redirect", 302, "")],
)  # fmt: skip
def test_an_answer_is_its_status_and_body(server: FaultyServer, path: str, status: int, body: str) -> None:
    """Also one that leads elsewhere: nobody follows."""
    assert ask(probe(server.port, path)) == ProbeAnswer(status=status, body=body)


@pytest.mark.parametrize(
    "path", ["/reset", "/hang-up", "/cut-head", "/cut-body", "/garbage", "/broken-chunk"]
)
def test_what_is_no_whole_answer_is_none(server: FaultyServer, path: str) -> None:
    """Half a body could be taken for a whole one."""
    assert ask(probe(server.port, path)) == NOTHING


@pytest.mark.parametrize("path", ["/never", "/never-ending-head"])
def test_a_server_that_drips_or_says_nothing_is_left_in_time(server: FaultyServer, path: str) -> None:
    """Each byte comes in time, and the whole never does."""
    began = time.monotonic()

    assert ask(probe(server.port, path, timeout="300ms")) == NOTHING

    assert time.monotonic() - began < 3


def test_where_nobody_listens_there_is_no_answer() -> None:
    """Not an error: it is what the probe is there to see."""
    assert ask(probe(free_port())) == NOTHING


@pytest.mark.parametrize("host", ["a..b", "xn--", "no.such.host.invalid"])
def test_a_name_that_is_none_is_no_answer(host: str) -> None:
    """Books with such a one are refused; a run that was kept from before may have one."""
    asked = Probe.model_construct(name="one", url=f"http://{host}/", timeout="3s")

    assert ask(asked) == NOTHING
