"""What does a load report say in words: its verdict in a sentence, the reasons, what helps against each error."""

import re
from collections.abc import Iterator
from enum import StrEnum

from opsctl.bench.load.model import GateCheck, LoadReport, Percentiles
from opsctl.bench.load.tally import Outcome
from opsctl.core.findings import Finding, Severity
from opsctl.core.units import format_count, format_duration
from opsctl.evidence.model import Verdict
from opsctl.vectors.summary import size_needed

_SENDER_TOO_SLOW = frozenset({"BEN035", "BEN036", "BEN037", "BEN038"})
_PERCENTILE = re.compile(r"p\d+(\.\d+)?")
"""A metric of the whole run; those of one endpoint have its name before them."""


class Standing(StrEnum):
    """What a run says about the service."""

    HOLDS = "holds"
    MISSES = "misses"
    CANNOT_TELL = "cannot tell"
    INVALID = "INVALID"
    MEASURED = "measured"
    """Valid, and nothing was demanded."""


OUTCOME_HINTS: dict[Outcome, str] = {
    Outcome.BAD_STATUS: "another status than the book's `check.status`; the service's log names the cause",
    Outcome.REDIRECT: "redirects are not followed; put the final address into `target` and `path`",
    Outcome.CHECK_FAILED: "the answer came and was not what the book's `check` demands",
    Outcome.REFUSED: "nothing listened, or its queue of new connections was full",
    Outcome.TLS_FAILED: "no trusted certificate; `ca_file` names more authorities",
    Outcome.RESET: "the service closed the connection before it answered: a worker ended, or a limit was met",
    Outcome.TRUNCATED: "the answer ended before its length; a worker or a proxy gave up in the middle",
    Outcome.MALFORMED: "not HTTP/1.1, or of contradictory length; look at one answer by hand",
    Outcome.TIMED_OUT: "no answer within the book's `limits.timeout`",
    Outcome.UNFINISHED: "still out at the end of the drain; counted with the time waited so far",
    Outcome.DROPPED: "never sent, because more than `limits.most_waiting` were waiting already",
}


def standing_of(report: LoadReport) -> Standing:
    """Return what the run says; an invalid one neither holds nor misses."""
    if not report.is_valid:
        return Standing.INVALID
    if report.verdict is Verdict.FAIL:
        return Standing.MISSES
    if report.verdict is Verdict.INCONCLUSIVE:
        return Standing.CANNOT_TELL
    return Standing.HOLDS if demands(report) else Standing.MEASURED


def verdict_sentence(report: LoadReport) -> str:
    """Return the verdict without its first word, which is the standing."""
    gates = demands(report)
    if not report.sent and report.is_valid:
        return f"nothing was sent{_early(report)}"
    load = f"{rate(main_rate(report))} for {format_duration(report.main_seconds or report.duration_seconds)}"
    match standing_of(report):
        case Standing.HOLDS:
            return f"{load}, {_count(len(gates), 'gate')} passed"
        case Standing.MISSES:
            missed = [gate.gate for gate in gates if gate.verdict is Verdict.FAIL]
            return f"{len(missed)} of {_count(len(gates), 'gate')} at {load}: {', '.join(missed)}{_early(report)}"
        case Standing.CANNOT_TELL:
            unsure = [gate.gate for gate in gates if gate.verdict is Verdict.INCONCLUSIVE]
            return f"at {load}{': ' if unsure else ''}{', '.join(unsure)}{_early(report)}"
        case Standing.INVALID:
            return f"the run says nothing about the service{_early(report)}"
        case Standing.MEASURED:
            return f"{load}; the book has no gates"


def main_rate(report: LoadReport) -> float:
    """Return the rate that the run was about: that of its main phase, else of all of it."""
    return report.main_rate or report.planned_rate


def _early(report: LoadReport) -> str:
    return f"; ended early: {report.aborted}" if report.aborted else ""


def demands(report: LoadReport) -> list[GateCheck]:
    """Return the gates that the verdict is made of; those that only end a run early count when they were missed."""
    return [gate for gate in report.gates if not gate.is_abort or gate.verdict is Verdict.FAIL]


def reasons_invalid(report: LoadReport) -> list[Finding]:
    """Return what makes the run invalid; empty for a valid one."""
    return [] if report.is_valid else [each for each in report.problems if each.severity is Severity.ERROR]


def next_steps(report: LoadReport) -> Iterator[str]:
    """Yield what to do next, the most useful first."""
    match standing_of(report):
        case Standing.INVALID:
            fixes = dict.fromkeys(each.fix for each in reasons_invalid(report) if each.fix)
            yield from fixes or ["run it again on a machine that does nothing else"]
            yield from _half_of_it(report)
        case Standing.MISSES:
            yield from _after_a_miss(report)
        case Standing.CANNOT_TELL if not report.sent or report.aborted:
            yield f"run it again to its end: `opsctl bench load {report.load}`"
        case Standing.CANNOT_TELL:
            yield "the sample is too small for a verdict: lengthen `duration` in the book, or raise `rate`"
        case Standing.HOLDS:
            yield "find how much more it holds: `opsctl bench capacity`"
        case Standing.MEASURED:
            yield "say what must hold with `gates:` in the book, such as `p99 < 500ms`"


def _half_of_it(report: LoadReport) -> Iterator[str]:
    """Yield the command that sends as many at half the rate, where the sender could not keep up with the plan."""
    is_too_fast = any(each.code in _SENDER_TOO_SLOW for each in reasons_invalid(report))
    if is_too_fast and report.main_rate:
        seconds = max(1, round(2 * report.duration_seconds))
        yield f"or send as many in twice the time: `opsctl bench load {report.load} --rate {report.main_rate / 2:g} --duration {seconds}s`"


def _after_a_miss(report: LoadReport) -> Iterator[str]:
    waited, served = report.queue_wait.at(0.99), report.service.at(0.99)
    if waited and served and waited.value > served.value:
        yield "most of the tail is waiting for a free connection: give the service workers, or the load more `connections`"
    elif report.hit_ratio is not None and report.hit_ratio < 0.5:
        yield "most answers were made anew: warm the caches, or look at `opsctl cache stats`"
    yield "find the rate that it does hold: `opsctl bench capacity`"


def amount(value: float | None, *, unit: str) -> str:
    """Return a figure of a gate with its unit; a dash for none.

    >>> [amount(0.0421, unit="s"), amount(0.0008, unit="share"), amount(0.9993, unit="share"), amount(None, unit="s")]
    ['42.1 ms', '0.080%', '99.930%', '-']
    """
    if value is None or value != value:  # noqa: PLR0124 - NaN is no figure
        return "-"
    match unit:
        case "s":
            return format_duration(value)
        case "share":
            return percent(value)
        case "1/s":
            return rate(value)
        case "errors/s":
            return f"{value:,.3g} errors/s"
        case _:
            return f"{value:.3f}" if abs(value) < 1 else f"{value:,.4g}"


def interval_text(gate: GateCheck) -> str:
    """Return what a gate's measured value lies between; without an upper end when unfinished requests leave it open."""
    if gate.low is None:
        return "-"
    low = amount(gate.low, unit=gate.unit)
    return f"{low} or more" if gate.high is None else f"{low} to {amount(gate.high, unit=gate.unit)}"


def missing_reason(percentiles: Percentiles, share: float) -> str:
    """Return in a word or two why a percentile is not shown."""
    needed = size_needed(share)
    return f"n>={needed:,}" if percentiles.count < needed else "too uneven"


def percent(share: float) -> str:
    """Return a share as a percentage; all and nothing are written without decimals.

    >>> [percent(value) for value in (0, 0.00042, 0.8421, 0.99999, 1)]
    ['0%', '0.042%', '84.2%', '99.999%', '100%']
    """
    if share in (0, 1):
        return f"{share * 100:.0f}%"
    near = min(abs(share), abs(1 - share)) * 100
    decimals = 1 if near >= 1 else 2 if near >= 0.1 else 3
    return f"{share * 100:.{decimals}f}%"


def rate(per_second: float) -> str:
    """Return a rate of requests.

    >>> [rate(2000.4), rate(12.34)]
    ['2,000 requests/s', '12.3 requests/s']
    """
    text = format_count(per_second) if per_second >= 100 else f"{per_second:.3g}"
    return f"{text} requests/s"


def objective_seconds(report: LoadReport) -> tuple[str, float] | None:
    """Return the gate with the smallest limit on a percentile of the whole run, and that limit."""
    limits = [(each.gate, each.limit) for each in demands(report) if _PERCENTILE.fullmatch(each.metric)]
    return min(limits, key=lambda each: each[1], default=None)


def hint_for(outcome: str) -> str:
    """Return what an outcome means and what helps; empty for one that needs no help."""
    return OUTCOME_HINTS[Outcome(outcome)] if outcome in set(OUTCOME_HINTS) else ""


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
