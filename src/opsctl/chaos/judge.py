"""What does a drill mean: its report against its book, without a look at the world."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from itertools import chain

from opsctl.chaos.book import Control, Drill
from opsctl.chaos.judge_afterwards import after_reasons, after_unknown
from opsctl.chaos.judge_alerts import alert_reasons, muted_wrongs
from opsctl.chaos.judge_load import fault_reasons, load_gaps, share_text
from opsctl.chaos.report import DrillReport, ProbeSeen
from opsctl.chaos.sample import Phase, PhaseFigures
from opsctl.chaos.verdict import Aspect, DrillVerdict, Outcome, Reason
from opsctl.core.units import format_duration, parse_duration

_FELT_BY_READERS = {Aspect.AVAILABILITY, Aspect.LATENCY, Aspect.EMPTY_FEEDS, Aspect.TIER}


def judge(report: DrillReport, drill: Drill) -> DrillVerdict:
    """Return what a drill shows; it is held only where there is no reason against it."""
    residue = tuple(_residue(report))
    unknown = tuple(_unknown(report, drill))
    deviated = tuple(_deviations(report, drill)) if report.fault_at is not None else ()
    if residue:
        return _verdict(report, Outcome.RESIDUE, *residue, *unknown, *deviated)
    guard = [reason for reason in deviated if reason.aspect is Aspect.GUARD]
    if guard and not (report.errors or report.lost_leases or report.interrupted):
        # Fewer samples than planned are no wonder where the guard ended the fault: what it saw stands.
        plain = _verdict(report, Outcome.DEVIATED, *deviated, *unknown)
    elif unknown:
        plain = _verdict(report, Outcome.INCONCLUSIVE, *unknown, *deviated)
    else:
        plain = _verdict(report, Outcome.DEVIATED if deviated else Outcome.HELD, *deviated)
    return _inverted(plain, report=report, drill=drill)


def baseline_problems(
    drill: Drill, figures: PhaseFigures, *, active: Mapping[str, str], probes: Collection[ProbeSeen]
) -> tuple[str, ...]:
    """Return why a baseline is not steady, so that no fault must be made."""
    return tuple(f"baseline: {text}" for text in _unsteady(drill, figures, active, probes))


def _unsteady(
    drill: Drill, figures: PhaseFigures, active: Mapping[str, str], probes: Collection[ProbeSeen]
) -> Iterator[str]:
    steady = drill.steady_state
    if figures.number < steady.min_samples:
        yield f"only {figures.number} requests, at least {steady.min_samples} are needed"
    if figures.availability is not None and figures.availability < steady.availability:
        yield f"availability {share_text(figures.availability)}, at least {share_text(steady.availability)} is steady"
    if figures.p99_seconds is not None and figures.p99_seconds > parse_duration(steady.p99):
        yield f"p99 {format_duration(figures.p99_seconds)}, at most {steady.p99} is steady"
    if figures.empty > steady.empty_feeds:
        yield f"{figures.empty} empty feeds, at most {steady.empty_feeds} are steady"
    if drill.control is not Control.NULL_DRILL:
        for alert in drill.expect.alerts:
            if alert.name in active:
                yield f"the alert `{alert.name}` is {active[alert.name]} already"
    for probe in probes:
        if probe.phase is Phase.BASELINE and probe.missed:
            yield f"the probe `{probe.name}` missed: {probe.first_miss}"


def _residue(report: DrillReport) -> Iterator[Reason]:
    for failure in report.undo_failures:
        yield Reason(aspect=Aspect.UNDO, text=f"could not be undone: {failure}")
    for left in report.residue:
        yield Reason(aspect=Aspect.UNDO, text=f"left behind: {left}")


def _unknown(report: DrillReport, drill: Drill) -> Iterator[Reason]:
    texts = chain(
        report.errors,
        (f"the lease of `{fault}` was lost while the drill went on" for fault in report.lost_leases),
        ("it was interrupted",) if report.interrupted else (),
        () if report.errors or report.fault_at is not None else ("nothing was broken",),
        load_gaps(report, drill) if report.fault_at is not None else (),
        after_unknown(report) if report.fault_at is not None else (),
    )
    for text in dict.fromkeys(texts):
        yield Reason(aspect=Aspect.MEASUREMENT, text=text)


def _deviations(report: DrillReport, drill: Drill) -> Iterator[Reason]:
    if report.stopped_early:
        yield Reason(aspect=Aspect.GUARD, text=f"stopped early: {report.stopped_early}")
    yield from fault_reasons(report, drill)
    yield from alert_reasons(report, drill)
    yield from _mitigation(report, drill)
    yield from after_reasons(report, drill)


def _mitigation(report: DrillReport, drill: Drill) -> Iterator[Reason]:
    cure, done = drill.mitigation, report.mitigation
    if cure is None:
        return
    if done is None:
        yield Reason(aspect=Aspect.MITIGATION, text=f"`{cure.command}` was not run: its moment never came")
        return
    if not done.worked:
        why = f": {done.why}" if done.why else ""
        yield Reason(aspect=Aspect.MITIGATION, text=f"`{cure.command}` failed{why}")
    ended, limit = done.ended_seconds, parse_duration(cure.ends_within)
    if ended is None or ended > limit:
        took = "did not end the trouble" if ended is None else f"took {format_duration(ended)}"
        yield Reason(
            aspect=Aspect.MITIGATION, text=f"`{cure.command}` {took}, allowed are {cure.ends_within}"
        )


def _inverted(plain: DrillVerdict, *, report: DrillReport, drill: Drill) -> DrillVerdict:
    """Turn a verdict around where the drill must go red, and for the reason that was made."""
    control = report.control
    if control not in (Control.MUTED, Control.BREAKER_OFF) or plain.outcome is Outcome.INCONCLUSIVE:
        return plain
    if plain.outcome is Outcome.HELD:
        text = f"the control `{control}` stayed green: this drill would not notice"
        return replace(plain, outcome=Outcome.DEVIATED, reasons=(Reason(aspect=Aspect.CONTROL, text=text),))
    wrongs = tuple(_red_for_another_reason(plain, report, drill))
    if wrongs:
        reasons = (*(Reason(aspect=Aspect.CONTROL, text=text) for text in wrongs), *plain.reasons)
        return replace(plain, outcome=Outcome.INCONCLUSIVE, reasons=reasons)
    return replace(plain, outcome=Outcome.HELD, reasons=(), seen=plain.reasons)


def _red_for_another_reason(plain: DrillVerdict, report: DrillReport, drill: Drill) -> Iterator[str]:
    if report.control is Control.BREAKER_OFF:
        if not _FELT_BY_READERS & {reason.aspect for reason in plain.reasons}:
            yield "it went red, but readers felt nothing of the protection that is off"
        return
    for text in muted_wrongs(report, drill):
        yield f"it went red, but not just because of what is muted: {text}"


def _verdict(report: DrillReport, outcome: Outcome, *reasons: Reason) -> DrillVerdict:
    return DrillVerdict(
        drill=report.drill, outcome=outcome, reasons=reasons, is_interrupted=report.interrupted
    )
