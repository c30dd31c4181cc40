"""Before a load every user asks once; beside it a few arrivals are searched twice."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.bench.load.test_gates import tally
from tests.bench.load.test_requests import job
from tests.fakes.clock import FakeClock
from tests.fakes.faulty_server import faulty_server
from tests.fakes.searcher import FakeSearcher

from opsctl.bench.load.book import Shadow
from opsctl.bench.load.plan import RecordedArrivals
from opsctl.bench.load.ports import Address, EngineResult, LoadJob
from opsctl.bench.load.run import Surroundings, run_load
from opsctl.bench.load.shadow import ShadowPlan, ShadowSearches, drawn
from opsctl.bench.load.tally import Frame, Tally
from opsctl.bench.load.warm_up import complaint_of, first_endpoint, warm_up
from opsctl.core.clock import SystemClock
from opsctl.core.events import Event, PhaseAdvanced, ignore
from opsctl.evidence.model import Verdict
from opsctl.vectors.search import Answer, Search


class RecordingEngine:
    """Sends nothing; remembers what it was asked to send."""

    name = "recording"

    def __init__(self) -> None:
        self.jobs: list[LoadJob] = []

    def run(self, job: LoadJob, *, watch: Callable[[Frame], str]) -> EngineResult:
        """Return a quiet second."""
        self.jobs.append(job)
        total = tally([[1000.0] * 500 for _ in range(9)])
        new = Frame(
            process=0,
            seconds=9.0,
            in_flight=0,
            waiting=0,
            new=Tally(planned=total.planned, sent=total.sent, outcomes=Counter(total.outcomes)),
            cpu_seconds=0.0,
            starved_seconds=0.0,
            resident_bytes=0,
            is_last=True,
        )
        aborted = watch(new)
        return EngineResult(
            total=total, seconds=9.0, cpu_cores=0.1, starved_share=0.0, resident_bytes=0, aborted=aborted
        )


def warming(path: str, *, port: int = 9, users: int = 50, **warm_up: Any) -> LoadJob:
    """Return a job that warms one path up."""
    made = job(
        {"feed": {"share": 1, "path": path}},
        users={"count": users},
        warm_up={"every_user": True, "duration": "1s", "concurrency": 4} | warm_up,
        limits={"timeout": "1s"},
    )
    return replace(made, address=Address(host="127.0.0.1", port=port))


def test_every_user_asks_once_then_the_first_rate_is_sent_uncounted():
    """With a bounded number of requests at a time, and progress for whoever watches."""
    heard: list[Event] = []
    engine = RecordingEngine()
    with faulty_server() as server:
        one = warming("/good?user={user}", port=server.port)
        report = warm_up(one, engine=engine, listener=heard.append, clock=FakeClock(), stopped=str)
        assert server.connections <= 4
    assert (report.users, report.errors, report.complaint) == (50, 0, "")
    assert sum(isinstance(event, PhaseAdvanced) for event in heard) == 50
    (sent,) = engine.jobs
    assert sent.is_warm_up
    assert (sent.book.duration_seconds, sent.book.gates, sent.book.shadow) == (1.0, [], None)


@pytest.mark.parametrize(
    ("path", "named"), [("/bad-status", "bad_status"), ("/reset", "reset"), ("/garbage", "malformed")]
)
def test_a_warm_up_that_goes_wrong_says_how(path, named):
    """No rate is sent to a service that answers like that."""
    engine = RecordingEngine()
    with faulty_server() as server:
        one = warming(path, port=server.port)
        report = warm_up(one, engine=engine, listener=ignore, clock=FakeClock(), stopped=str)
    assert named in report.complaint
    assert engine.jobs == []


def test_a_service_that_is_not_there_does_not_take_a_timeout_for_each_user():
    """After some hundred errors without one answer it is given up."""
    report = warm_up(
        warming("/", users=100_000), engine=RecordingEngine(), listener=ignore, clock=FakeClock(), stopped=str
    )
    assert "refused" in report.complaint
    assert report.errors < 1000


def test_a_warm_up_ends_when_somebody_wants_it_to():
    """Ctrl-C is heard before all users have asked."""
    with faulty_server() as server:
        one = warming("/good", port=server.port, users=100_000)
        report = warm_up(
            one, engine=RecordingEngine(), listener=ignore, clock=FakeClock(), stopped=lambda: "interrupted"
        )
    assert report.answered == 0


def test_without_a_warm_up_nothing_is_sent():
    """Neither users nor a rate."""
    engine = RecordingEngine()
    one = warming("/", every_user=False, duration="0s")
    warm_up(one, engine=engine, listener=ignore, clock=FakeClock(), stopped=str)
    assert engine.jobs == []


def test_a_recorded_log_is_sent_once_without_a_warm_up(tmp_path):
    """It would be all of the log, and every request that changes something would be made twice."""
    (tmp_path / "log.jsonl").write_text(
        '{"at_seconds": 0, "method": "POST", "path": "/order", "body": "{}"}\n'
    )
    engine = RecordingEngine()
    one = replace(warming("/good"), replay=tmp_path / "log.jsonl")
    report = warm_up(one, engine=engine, listener=ignore, clock=FakeClock(), stopped=str)
    assert (engine.jobs, report.users, report.complaint) == ([], 0, "")


def test_a_users_own_path_is_what_a_warm_up_asks_and_one_error_in_a_hundred_is_let_pass():
    """Posts change something and are not asked."""
    mix = {
        "save": {"share": 1, "method": "POST", "path": "/save/{user}"},
        "trending": {"share": 1, "path": "/trending"},
        "feed": {"share": 1, "path": "/feed/{user}"},
    }
    assert first_endpoint(job(mix).book) == 2
    assert complaint_of(Counter({"ok": 99, "reset": 1})) == ""
    assert complaint_of(Counter({"ok": 98, "reset": 2})) != ""


def test_a_failed_warm_up_makes_the_whole_run_invalid_and_a_good_one_a_verdict():
    """The figures are kept in both cases."""
    for path, verdict in (("/good", Verdict.PASS), ("/bad-status", Verdict.INCONCLUSIVE)):
        with faulty_server() as server:
            one = warming(path, port=server.port)
            one = replace(one, book=one.book.model_copy(update={"gates": ["p99 < 500ms"]}))
            report = run_load(
                one, engine=RecordingEngine(), listener=ignore, clock=FakeClock(), surroundings=Surroundings()
            )
        assert (report.verdict, report.sent) == (verdict, 4500)


def shadow(
    searcher: FakeSearcher, *, seconds: list[float], most: float = 1000.0, share: float = 1.0
) -> ShadowSearches:
    """Return shadow searches of arrivals at these seconds."""
    wanted = Shadow(share=share, most_per_second=most, limit=10)
    plan = ShadowPlan(collection="content", vectors=[[1.0], [2.0]], wanted=wanted, seed=1)
    return ShadowSearches(
        plan,
        arrivals=RecordedArrivals(seconds),
        users=lambda numbers: [number + 1 for number in numbers],
        searcher=searcher,
        clock=SystemClock(),
    )


class Missing(FakeSearcher):
    """Finds nine of ten where it does not look exactly."""

    def search(self, search: Search) -> Answer:
        """Answer one search."""
        answer = super().search(search)
        if search.exact:
            return answer
        return replace(answer, ids=(*answer.ids[:-1], 4711), scores=(*answer.scores[:-1], -1.0))


def test_a_drawn_arrival_is_searched_twice_with_the_vector_of_its_user():
    """Once as the service does, once exactly; recall says how much of the truth was found."""
    searcher = Missing({"content": 1e-4})
    with shadow(searcher, seconds=[0.0, 0.01, 0.02]) as running:
        running._thread.join(timeout=20)
    found = running.recall()
    assert (found.searches, found.value, found.skipped) == (3, 0.9, 0)
    assert [search.exact for search in searcher.asked] == [False, True] * 3
    assert [list(search.vector) for search in searcher.asked[::2]] == [[2.0], [1.0], [2.0]]
    assert "exact search of `content`" in found.compares


def test_what_the_budget_does_not_allow_is_skipped_and_counted():
    """Searches are not to become a load of their own."""
    with shadow(FakeSearcher({"content": 1e-4}), seconds=[0.0, 0.001, 0.002, 0.003], most=0.1) as running:
        running._thread.join(timeout=20)
    assert (running.recall().searches, running.recall().skipped) == (1, 3)


def test_the_searches_end_with_the_load():
    """Nobody waits for an arrival that will not come."""
    with shadow(FakeSearcher({"content": 1e-4}), seconds=[0.0, 9999.0]) as running:
        pass
    assert running.recall().searches <= 1


def test_the_same_seed_draws_the_same_arrivals():
    """About as many as the share says."""
    arrivals = RecordedArrivals([second / 1000 for second in range(10_000)])
    first, again = (list(drawn(arrivals, share=0.01, seed=3, users=list)) for _ in range(2))
    assert first == again
    assert 60 < len(first) < 140
