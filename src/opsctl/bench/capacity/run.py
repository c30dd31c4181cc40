"""How is the capacity searched: steps of a few seconds, each judged by the gates, until the edge is known."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from opsctl.bench.capacity.model import Reading, StepResult, Use, WorkersResult
from opsctl.bench.capacity.need import use_between
from opsctl.bench.capacity.search import Answer, Search, SearchPlan
from opsctl.bench.load.book import LoadBook
from opsctl.bench.load.gates import parse_gate
from opsctl.bench.load.interleaved import SendsLoad, invalid_because, turn_of
from opsctl.bench.load.model import LoadReport
from opsctl.bench.load.ports import LoadJob
from opsctl.core.clock import Clock
from opsctl.core.errors import UsageError
from opsctl.core.events import Event, Listener, ignore
from opsctl.core.findings import Severity
from opsctl.evidence.model import Verdict
from opsctl.vectors.summary import size_needed

_OF_THE_PLAN = frozenset({"rate", "goodput", "recall", "drops"})
"""Gates on these are about one planned rate, or need more time than a step has."""

_SERVICE_BUSY = frozenset({"BEN036", "BEN037"})
"""Requests not sent or dropped: the service's fault where they waited for a connection, else the sender's."""

_FEWEST_REQUESTS = 1500
"""Of a step: p99 has an interval from 368 independent requests on, and they are not independent."""

_FOR_AN_ERROR_RATE = 4.5
"""Over its limit, the requests without an error that show it to be kept: Wilson's bound is 3.84 / n, and some to spare."""

_FOR_A_PERCENTILE = 2.0
"""Over the fewest that give it an interval: arrivals are drawn, and requests are not independent."""

_LONGEST_SECONDS = 60.0
"""Of a step, where its rate is so low that the gates' percentiles need that long."""

_PAUSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDone(Event):
    """A step came to its end."""

    workers: int
    result: StepResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """How steps are made.

    Args:
        send: sends a job and tells what came of it.
        read: the service's counters and use of this moment.
        seconds: of a step; longer where the rate is too low for the gates' percentiles.
        clock: measures the budget.
        listener: hears a `StepDone` after each.
    """

    send: SendsLoad
    read: Callable[[], Reading]
    clock: Clock
    listener: Listener = ignore
    seconds: float = 5.0


def search_capacity(job: LoadJob, *, workers: int, plan: SearchPlan, steps: Steps) -> WorkersResult:
    """Find the highest rate at which a load meets its gates.

    Raises:
        UsageError: BEN070 when the load has no gate that a step can be judged by.
    """
    gated = replace(job, book=with_step_gates(job.book, name=job.name))
    search = Search(plan=plan)
    results: list[StepResult] = []
    held: dict[float, tuple[Use | None, LoadReport]] = {}
    steps.send(_first(gated, job=job, rate=min(plan.start, plan.highest)))  # uncounted: fills the caches
    began = steps.clock.monotonic()
    while (rate := search.next_rate()) is not None:
        report, use, answer, why = _step(gated, rate=rate, number=len(results), steps=steps)
        now = steps.clock.monotonic()
        search.tell(rate, answer, seconds=now - began, why=why)
        began = now
        results.append(_result(report, rate=rate, answer=answer, why=why))
        if answer is Answer.PASSED:
            held[rate] = (use, report)
        steps.listener(StepDone(subject=job.name, workers=workers, result=results[-1]))
    capacity = search.result()
    use, last = held.get(capacity.passed or 0.0, (None, None))
    return WorkersResult(workers=workers, capacity=capacity, steps=tuple(results), use=use, last=last)


def with_step_gates(book: LoadBook, *, name: str) -> LoadBook:
    """Return a book with the gates only that hold for any rate.

    Raises:
        UsageError: BEN070 when none is left.
    """
    gates = [text for text in book.gates if parse_gate(text, endpoints=book.mix).metric not in _OF_THE_PLAN]
    if not gates:
        raise UsageError(
            f"load `{name}` has no gate that a rate could miss",
            code="BEN070",
            why="the capacity is the highest rate that meets the gates",
            fix="write some into its book: gates: [p99 < 500ms, error_rate < 0.1%]",
        )
    return book.model_copy(update={"gates": gates})


def answer_of(report: LoadReport) -> tuple[Answer, str]:
    """Return what a step says about its rate, and why where it does not simply pass.

    Requests that could not be sent because the service kept every connection busy are its failure, not the sender's.
    """
    errors = [problem for problem in report.problems if problem.severity is Severity.ERROR]
    if errors and {problem.code for problem in errors} <= _SERVICE_BUSY and _waited_for_service(report):
        return Answer.FAILED, "all connections were busy"
    if errors:
        return Answer.INVALID, invalid_because(report)
    missed = [check for check in report.gates if check.verdict is not Verdict.PASS and not check.is_abort]
    why = ", ".join(check.gate for check in missed)
    match report.verdict:
        case Verdict.PASS:
            return Answer.PASSED, ""
        case Verdict.FAIL:
            return Answer.FAILED, why
        case Verdict.INCONCLUSIVE:
            return Answer.UNSURE, why


def _step(
    job: LoadJob, *, rate: float, number: int, steps: Steps
) -> tuple[LoadReport, Use | None, Answer, str]:
    seconds = max(steps.seconds, min(_requests_for(job) / rate, _LONGEST_SECONDS))
    before = steps.read()
    report = steps.send(turn_of(job, seconds=seconds, seed=job.book.seed + 1 + number, rate=rate))
    use = use_between(before, steps.read(), requests=report.answered, hit_ratio=report.hit_ratio)
    answer, why = answer_of(report)
    if answer is not Answer.PASSED:
        steps.clock.sleep(_PAUSE_SECONDS)  # what an overload left behind must not count against the next step
    return report, use, answer, why


def _first(gated: LoadJob, *, job: LoadJob, rate: float) -> LoadJob:
    """Return the step before all others, with the warm-up of the book."""
    step = turn_of(gated, seconds=1.0, seed=job.book.seed, rate=rate)
    warm_up = job.book.warm_up.model_copy(update={"duration": "0s"})
    return replace(step, book=step.book.model_copy(update={"warm_up": warm_up, "gates": []}))


def _requests_for(job: LoadJob) -> float:
    """Return how many requests a step must have to show that the gates hold."""
    gates = [parse_gate(text, endpoints=job.book.mix) for text in job.book.gates]
    limits = [gate.limit for gate in gates if gate.metric == "error_rate" and gate.limit > 0]
    shares = [share for gate in gates if (share := gate.share) is not None]
    return max(
        [
            _FEWEST_REQUESTS,
            *(_FOR_AN_ERROR_RATE / limit for limit in limits),
            *(_FOR_A_PERCENTILE * size_needed(share) for share in shares),
        ]
    )


def _waited_for_service(report: LoadReport) -> bool:
    waits, lags = (each.at(0.99) for each in (report.queue_wait, report.generator_lag))
    return waits is not None and (lags is None or waits.value > lags.value)


def _result(report: LoadReport, *, rate: float, answer: Answer, why: str) -> StepResult:
    return StepResult(
        rate=rate,
        answer=answer,
        seconds=report.duration_seconds,
        achieved_rate=report.achieved_rate,
        p50=report.response.at(0.5),
        p99=report.response.at(0.99),
        error_rate=report.error_rate,
        hit_ratio=report.hit_ratio,
        why=why,
    )
