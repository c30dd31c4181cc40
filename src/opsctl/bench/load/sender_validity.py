"""Did the sender send what was planned, when it was planned?"""

from collections.abc import Sequence

from opsctl.bench.load.gates import Gate
from opsctl.bench.load.ports import EngineResult, LoadJob
from opsctl.bench.load.tally import Outcome
from opsctl.core.findings import Finding, Severity
from opsctl.core.units import format_count, format_duration

DEFAULT_OBJECTIVE_SECONDS = 1.0
_STARVED_LAG_SHARE = 0.01
"""A starved sender whose lag stays below this share of the objective changes no verdict; ours: a tenth of `lag_share`."""


_STARVED_FOR_SURE = 0.5


def objective_seconds(gates: Sequence[Gate]) -> float:
    """Return the smallest time of the service that a gate limits from above, else a second."""
    limits = [
        gate.limit
        for gate in gates
        if gate.is_latency and gate.clock != "generator_lag" and gate.wants_less and gate.limit > 0
    ]
    return min(limits, default=DEFAULT_OBJECTIVE_SECONDS)


def sending_problems(job: LoadJob, result: EngineResult, *, gates: Sequence[Gate]) -> list[Finding]:
    """Return what was not sent, was sent late, or was starved of processors."""
    total, validity = result.total, job.book.validity
    found = []
    allowed = validity.lag_share * objective_seconds(gates)
    lag = total.timings.generator_lag
    seen = lag.value_at(0.99) / 1e6 if lag.count else 0.0
    if seen > allowed:
        found.append(
            invalid(
                "BEN035",
                f"the sender was late: p99 of its lag is {format_duration(seen)}",
                evidence=f"at most {format_duration(allowed)} is allowed, {validity.lag_share:.0%} of the objective",
                fix="give it more `processes`, a lower rate, or a machine of its own",
            )
        )
    if total.planned and total.sent < validity.achieved_share * total.planned and not result.aborted:
        found.append(
            invalid(
                "BEN036",
                f"only {format_count(total.sent)} of {format_count(total.planned)} planned requests were sent",
                evidence=_why_unsent(result),
                fix="ask for a lower rate, or let it have more `connections` or `processes`",
            )
        )
    if dropped := total.outcomes.get(Outcome.DROPPED, 0):
        found.append(
            invalid(
                "BEN037",
                f"{format_count(dropped)} requests were dropped unsent",
                evidence=f"more than {format_count(job.book.limits.most_waiting)} were waiting for a connection",
                fix="ask for a lower rate; opsctl bench capacity finds the one that holds",
            )
        )
    if result.starved_share > validity.starved_share:
        found.append(
            _starved(result, allowed=validity.starved_share, lag_share=seen / objective_seconds(gates))
        )
    return found


def _starved(result: EngineResult, *, allowed: float, lag_share: float) -> Finding:
    """Return what starvation means here: many short waits, beside a service on the same cores, delay nothing that counts.

    What the waits amount to is measured, as lag, and the same waits delay the reading of answers.
    """
    matters = lag_share > _STARVED_LAG_SHARE or result.starved_share > _STARVED_FOR_SURE
    lag = f"p99 of its lag is {lag_share:.2%} of the objective"
    return Finding(
        code="BEN038",
        severity=Severity.ERROR if matters else Severity.WARNING,
        title=f"the sender waited {result.starved_share:.0%} of the time for a CPU",
        evidence=f"more than {allowed:.0%}; {lag}, {'above' if matters else 'within'} {_STARVED_LAG_SHARE:.0%}"
        if result.starved_share <= _STARVED_FOR_SURE
        else f"at most {_STARVED_FOR_SURE:.0%} is allowed whatever came of it",
        fix="end other work on this machine, or send from another one",
    )


def _why_unsent(result: EngineResult) -> str:
    timings = result.total.timings
    waits = timings.queue_wait.value_at(0.99) if timings.queue_wait.count else 0.0
    lags = timings.generator_lag.value_at(0.99) if timings.generator_lag.count else 0.0
    who = "the service kept all connections busy" if waits > lags else "the sender itself was too slow"
    return f"{who}: p99 of the wait {format_duration(waits / 1e6)}, of the lag {format_duration(lags / 1e6)}"


def invalid(code: str, title: str, *, evidence: str | None = None, fix: str) -> Finding:
    """Return an error that makes a run say nothing."""
    return Finding(code=code, severity=Severity.ERROR, title=title, evidence=evidence, fix=fix)
