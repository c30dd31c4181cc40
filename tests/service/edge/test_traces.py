"""A request belongs to the trace of whoever sent it, in its line, for the API, and in what is said on the way."""

import logging
import re

import pytest
from tests.service.edge.world import World, let_others_run, run

from opsctl.service.telemetry.process_log import ids_of
from opsctl.service.telemetry.trace import current_trace

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
HEADERS = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
PATHS = pytest.mark.parametrize("path", ["/v1/feed/7", "/v1/trending"], ids=["feed", "passed on"])


def passed_on(world: World) -> str:
    """Return the `traceparent` that the API got last."""
    found: bytes = dict(world.api.asked[-1]["headers"])[b"traceparent"]
    return found.decode()


@PATHS
def test_the_trace_goes_on_under_a_span_of_our_own(path):
    """The line and the API name the same span, which is not the caller's."""

    async def scenario() -> None:
        with World() as world:
            await world.ask(path, headers=HEADERS)
            (facts,) = world.logged
            assert facts.trace_id == TRACE
            assert re.fullmatch("[0-9a-f]{16}", facts.span_id)
            assert facts.span_id != SPAN
            assert passed_on(world) == f"00-{TRACE}-{facts.span_id}-01"

    run(scenario())


@PATHS
@pytest.mark.parametrize("sent", [None, "nonsense", f"00-{'0' * 32}-{SPAN}-01"])
def test_a_request_without_a_trace_begins_one(path, sent):
    """Two requests, two traces."""

    async def scenario() -> None:
        with World() as world:
            for _ in range(2):
                await world.ask(path, headers={} if sent is None else {"traceparent": sent})
            first, second = (facts.trace_id for facts in world.logged)
            assert re.fullmatch("[0-9a-f]{32}", first)
            assert first != second

    run(scenario())


def test_answers_from_memory_have_a_trace_too():
    """A hit that is drawn for the log, by the short way, and one that came without a trace."""

    async def scenario() -> None:
        with World() as world:
            await world.ask("/v1/feed/7")
            await world.ask("/v1/feed/7", headers=HEADERS)
            await world.ask("/v1/feed/7")
            hits = world.logged[1:]
            assert [facts.cache for facts in hits] == ["HIT-L1", "HIT-L1"]
            assert hits[0].trace_id == TRACE
            assert re.fullmatch("[0-9a-f]{32}", hits[1].trace_id)

    run(scenario())


@PATHS
def test_what_is_said_on_the_way_names_request_and_trace(path):
    """Whoever logs need not know of either."""
    said: list[dict[str, str]] = []

    async def note() -> None:
        said.append(ids_of(logging.LogRecord("any", logging.ERROR, "", 1, "", (), None)))
        said.append({"sent on": current_trace().traceparent})

    async def scenario() -> None:
        with World() as world:
            world.api.before = note
            await world.ask(path, headers=HEADERS | {"x-request-id": "req-1"})
            await let_others_run()
            (facts,) = world.logged
            assert said == [
                {"request_id": "req-1", "trace_id": TRACE, "span_id": facts.span_id},
                {"sent on": passed_on(world)},
            ]

    run(scenario())


def test_a_failure_of_the_api_is_logged_with_its_ids():
    """The client gets the request's id; with it the stack trace is found."""

    async def scenario() -> None:
        with World() as world:
            world.api.error = RuntimeError("broken")
            await world.ask("/v1/feed/7", headers=HEADERS | {"x-request-id": "req-1"})
            await world.ask("/v1/trending", headers=HEADERS | {"x-request-id": "req-2"})

    told: list[dict[str, str]] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            """Note the ids, as a formatter does."""
            told.append(ids_of(record))

    listener = Listener()
    logging.getLogger().addHandler(listener)
    run(scenario())
    logging.getLogger().removeHandler(listener)

    assert [(ids["request_id"], ids["trace_id"]) for ids in told] == [("req-1", TRACE), ("req-2", TRACE)]
