"""The line of a request: what it holds, who gets one, and that no client can write a line of its own."""

import random
from itertools import product
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl import __version__
from opsctl.metrics import service as metrics
from opsctl.service.telemetry.facts import REFRESH, AgentFacts, FeedFacts, RequestFacts, note_feed
from opsctl.service.telemetry.log import RequestLog
from opsctl.service.telemetry.meters import Meters
from opsctl.service.telemetry.salt import hash_user
from opsctl.service.telemetry.sinks import FileSink
from opsctl.service.telemetry.trace import Trace, tracing

SALT = b"s" * 32


class Kept:
    """A sink that keeps lines, or loses them all."""

    def __init__(self) -> None:
        self.raw: list[bytes] = []
        self.loses = False

    def info(self, line: bytes) -> bool:
        """Take a line."""
        self.raw.append(line)
        return not self.loses

    def close(self) -> None:
        """Do nothing."""

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Return the lines as objects."""
        return [orjson.loads(line) for line in self.raw]


class Bench:
    """A log with a sink to look into and a time to set."""

    def __init__(self, *, hit_share: float = 0.01, seed: int = 1) -> None:
        self.kept, self.meters, self.seconds = Kept(), Meters(), 1_800_000_000.0
        self.log = RequestLog(
            self.kept,
            hit_share=hit_share,
            salt=SALT,
            meters=self.meters,
            source=random.Random(seed),
            now=lambda: self.seconds,
        )


def facts(**changes: Any) -> RequestFacts:
    """Return the facts of a miss, changed."""
    values: dict[str, Any] = {
        "route": "feed",
        "method": "GET",
        "status": 200,
        "duration_seconds": 0.0421234567,
        "bytes_sent": 4096,
        "request_id": "req-1",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "cache": "MISS",
        "key_prefix": "abcd1234",
        "user_id": 42,
    }
    return RequestFacts(**(values | changes))


def built_trace() -> Trace:
    """Return the trace of a feed that was built in steps of 10 ms."""
    steps = iter(number / 100 for number in range(100))
    trace = Trace(request_id="req-1", clock=lambda: next(steps))
    with tracing(trace):
        with trace.stage("reader"):
            pass
        for _ in range(2):
            with trace.stage("retrieve"):
                pass
        trace.looked_up(tier="l2", kind="agent_score", outcome="hit", count=18)
        trace.looked_up(tier="l2", kind="agent_score", outcome="miss", count=6)
        trace.looked_up(tier="l1", kind="user_embedding", outcome="stale")
        trace.looked_up(tier="l2", kind="quality_score", outcome="poisoned")
        note_feed(
            FeedFacts(
                feed_id="f-1",
                size=20,
                tier="multi_agent",
                segment="regular",
                exploration_share=0.1,
                arm="fresh",
                agents={"quality": AgentFacts(mean_score=0.61239, duration_seconds=0.0012345678)},
            )
        )
    return trace


def test_a_feed_that_was_built_tells_everything():
    """The one line that says how it came about."""
    bench = Bench()

    bench.log(facts(trace=built_trace()))

    assert bench.kept.lines == [
        {
            "event": "feed_generated",
            "timestamp": "2027-01-15T08:00:00.000+00:00",
            "severity": "INFO",
            "service.name": "ranking",
            "service.version": __version__,
            "request_id": "req-1",
            "http.route": "feed",
            "http.request.method": "GET",
            "http.response.status_code": 200,
            "duration_seconds": 0.042123,
            "http.response.body.size": 4096,
            "trace_id": "0af7651916cd43dd8448eb211c80319c",
            "x_cache": "MISS",
            "key": "abcd1234",
            "user": hash_user(42, salt=SALT),
            "cache_hits": 19,
            "cache_misses": 7,
            "lookups": {
                "l2.agent_score.hit": 18,
                "l2.agent_score.miss": 6,
                "l1.user_embedding.stale": 1,
                "l2.quality_score.poisoned": 1,
            },
            "stages_seconds": {"reader": 0.01, "retrieve": 0.02},
            "feed_id": "f-1",
            "size": 20,
            "tier": "multi_agent",
            "segment": "regular",
            "arm": "fresh",
            "exploration_share": 0.1,
            "agents": {"quality": {"mean_score": 0.6124, "duration_seconds": 0.001235}},
            "is_simulated": False,
            "body": "feed_generated",
        }
    ]
    assert bench.kept.raw[0].startswith(b'{"event":"feed_generated"')


def test_any_other_request_is_short():
    """What is not known is not there."""
    bench = Bench()

    bench.log(
        facts(
            route="interactions",
            method="POST",
            status=202,
            cache="",
            user_id=None,
            key_prefix=None,
            trace_id="",
        )
    )

    (line,) = bench.kept.lines
    assert set(line) == {
        "event",
        "timestamp",
        "severity",
        "service.name",
        "service.version",
        "request_id",
        "http.route",
        "http.request.method",
        "http.response.status_code",
        "duration_seconds",
        "http.response.body.size",
        "body",
    }
    assert (line["event"], line["body"]) == ("request", "request")


@pytest.mark.parametrize(
    "routine",
    [
        {"cache": "STALE"},
        {"cache": "STALE", "status": 304},
        {"route": "health", "cache": ""},
    ],
    ids=["stale", "not modified", "poll"],
)
def test_of_the_routine_a_share_is_written_and_says_so(routine):
    """Ten thousand of them at 1 % leave about a hundred lines, the same ones for the same seed."""
    first, second = Bench(), Bench()
    for number in range(10_000):
        for bench in (first, second):
            bench.log(facts(request_id=str(number), **routine))

    assert 70 <= len(first.kept.raw) <= 130
    assert first.kept.raw == second.kept.raw
    assert {line["share"] for line in first.kept.lines} == {0.01}


@pytest.mark.parametrize(("hit_share", "expected"), [(0.0, 0), (1.0, 50)])
def test_none_or_all_of_the_routine_can_be_asked_for(hit_share, expected):
    """The ends of the range are exact."""
    bench = Bench(hit_share=hit_share)
    for _ in range(50):
        bench.log(facts(cache="STALE"))

    assert len(bench.kept.raw) == expected


@pytest.mark.parametrize("status", [200, 304])
def test_hits_are_not_drawn_a_second_time(status):
    """The edge passes on `hit_share` of them; drawn here again, 1 % would be 1 of 10,000."""
    bench = Bench()
    for _ in range(50):
        bench.log(facts(cache="HIT-L1", status=status))

    assert len(bench.kept.raw) == 50
    assert {line["share"] for line in bench.kept.lines} == {0.01}


@pytest.mark.parametrize(
    "always",
    [
        {"cache": "MISS"},
        {"cache": "HIT-L2"},
        {"status": 500, "cache": "HIT-L1"},
        {"status": 503, "route": "ready", "cache": ""},
        {"route": "interactions", "method": "POST", "cache": ""},
    ],
    ids=["miss", "l2", "error", "not ready", "write"],
)
def test_misses_writes_and_errors_always_leave_a_line(always):
    """Whatever the share of hits is."""
    bench = Bench(hit_share=0.0)
    for _ in range(50):
        bench.log(facts(**always))

    assert len(bench.kept.raw) == 50


def test_a_feed_built_behind_a_stale_answer_is_never_sampled():
    """The share is for answers that cost nothing."""
    bench = Bench(hit_share=0.0)

    bench.log(facts(cache=REFRESH, trace=built_trace()))

    (line,) = bench.kept.lines
    assert (line["event"], line["x_cache"]) == ("feed_generated", "STALE refresh")


def test_refusals_leave_ten_lines_a_second_of_each_status():
    """A flood of 429 hides no 401, and the next line tells how many were left out."""
    bench = Bench()
    for _ in range(500):
        bench.log(facts(status=429, refused="rate_limit", cache=""))
    bench.log(facts(status=401, refused="wrong_key", cache=""))
    bench.seconds += 0.125
    bench.log(facts(status=429, refused="rate_limit", cache=""))
    bench.log(facts(status=429, refused="rate_limit", cache=""))

    told = [
        (line["http.response.status_code"], line["refused"], line.get("left_out"))
        for line in bench.kept.lines
    ]
    assert told == [(429, "rate_limit", None)] * 10 + [(401, "wrong_key", None), (429, "rate_limit", 490)]


def test_a_clock_that_goes_back_gives_and_takes_nothing():
    """The wall clock may be set."""
    bench = Bench()
    bench.log(facts(status=404))
    bench.seconds -= 3600
    bench.log(facts(status=404))

    assert len(bench.kept.raw) == 2


def test_a_user_is_never_named():
    """Neither the number nor the secret part of a key is in the line."""
    bench = Bench()

    bench.log(facts(user_id=987654321, trace=built_trace()))

    assert b"987654321" not in bench.kept.raw[0]


@given(st.text(st.characters(), max_size=300), st.text(st.characters(exclude_categories=()), max_size=300))
def test_values_of_clients_stay_in_their_place(request_id, method):
    """Any text: one line, valid UTF-8, nothing that a terminal or a reader of lines obeys, cut to a length."""
    bench = Bench()

    bench.log(facts(request_id=request_id, method=method))

    (raw,) = bench.kept.raw
    text = raw.decode("utf-8")
    assert text.isprintable()
    assert len(text.splitlines()) == 1
    line = orjson.loads(raw)
    assert line["http.response.status_code"] == 200
    assert line["request_id"] == request_id[:128] or not request_id[:128].isprintable()
    assert len(line["http.request.method"]) <= 128 * 10


def test_a_line_too_long_for_a_pipe_goes_without_its_details():
    """It is still one object, and says that it was cut."""
    trace = built_trace()
    for number in range(500):
        trace.looked_up(tier="l2", kind=f"kind_{number}", outcome="hit")
    bench = Bench()

    bench.log(facts(trace=trace))

    (line,) = bench.kept.lines
    assert (line["cut"], line["cache_hits"], line["feed_id"]) == (True, 519, "f-1")
    assert "lookups" not in line
    assert len(bench.kept.raw[0]) < 4096


def test_lines_are_counted_by_event_and_by_how_bad_they_are():
    """Only of the declared ones: a label with values that nobody foresaw is a series for each."""
    bench = Bench(hit_share=1.0)
    bench.log(facts(trace=built_trace()))
    for status in (200, 404, 503):
        bench.log(facts(status=status))
    bench.kept.loses = True
    bench.log(facts())

    counted = {
        (sample.labels["level"], sample.labels["event"]): sample.value
        for family in bench.meters.registry.collect()
        for sample in family.samples
        if sample.name == "ranking_log_lines_total"
    }
    assert set(counted) == set(product(metrics.LEVELS, metrics.LOG_EVENTS))
    assert {key: value for key, value in counted.items() if value} == {
        ("info", "feed_generated"): 1,
        ("info", "request"): 2,
        ("error", "request"): 1,
    }
    assert {line["event"] for line in bench.kept.lines} <= set(metrics.LOG_EVENTS)


def test_lines_say_where_the_service_is_deployed(monkeypatch):
    """Where somebody says so."""
    monkeypatch.setenv("OPSCTL_ENVIRONMENT", "staging")
    bench = Bench()

    bench.log(facts())

    assert bench.kept.lines[0]["deployment.environment.name"] == "staging"


def test_lines_that_are_lost_are_counted():
    """And the request does not notice."""
    bench = Bench()
    bench.kept.loses = True
    for _ in range(3):
        bench.log(facts())

    assert bench.meters.registry.get_sample_value("ranking_log_lines_dropped_total") == 3


def test_a_full_disk_is_counted_too():
    """The kernel's own always-full device, through the real sink."""
    meters = Meters()
    log = RequestLog(FileSink(Path("/dev/full")), hit_share=0.01, salt=SALT, meters=meters)
    log(facts())
    log.close()

    assert meters.registry.get_sample_value("ranking_log_lines_dropped_total") == 1


def test_numbers_that_json_has_no_words_for_become_null():
    """A NaN of some agent does not cost the line."""
    trace = Trace()
    with tracing(trace):
        note_feed(
            FeedFacts(
                feed_id="f",
                size=0,
                tier="trending",
                segment="cold",
                agents={"quality": AgentFacts(mean_score=float("nan"), duration_seconds=0.0)},
            )
        )
    bench = Bench()

    bench.log(facts(trace=trace))

    assert bench.kept.lines[0]["agents"]["quality"]["mean_score"] is None
