"""What speaks against a drill once its fault is undone: what did not come back, what began anew, and what it cost."""

from collections.abc import Iterator

from opsctl.chaos.book import Drill
from opsctl.chaos.judge_load import share_text
from opsctl.chaos.recovering import LEAST_FRESH, OWN_TIER
from opsctl.chaos.report import DrillReport
from opsctl.chaos.sample import Phase
from opsctl.chaos.verdict import Aspect, Reason
from opsctl.core.units import format_duration, parse_duration


def after_reasons(report: DrillReport, drill: Drill) -> Iterator[Reason]:
    """Yield what was not as it must be after the undo."""
    yield from _answers(report, drill)
    yield from _own_tier(report, drill)
    yield from _restarts(report, drill)
    minutes, spent = drill.budget.sli_minutes, report.spent_minutes
    if minutes is not None and spent is not None and spent > minutes:
        text = f"it cost {spent:.3g} minutes of the service level, {minutes:.3g} were forecast"
        yield Reason(aspect=Aspect.BUDGET, text=text)


def after_unknown(report: DrillReport) -> Iterator[str]:
    """Yield why it cannot be told whether the agents make answers again, although answers are back."""
    if report.tier_after is None or None not in (report.recovered_seconds, report.tier_recovered_seconds):
        return
    fresh, _ = report.tier_after
    if report.recovered_seconds is not None and fresh < LEAST_FRESH:
        yield f"only {fresh} fresh answers at the end, so nobody knows which tier makes them"


def _answers(report: DrillReport, drill: Drill) -> Iterator[Reason]:
    after, allowed, usual = report.recovered_seconds, drill.expect.recovery, drill.steady_state.availability
    if after is None or after > parse_duration(allowed):
        took = (
            "good answers a second did not come back" if after is None else f"took {format_duration(after)}"
        )
        yield Reason(aspect=Aspect.RECOVERY, text=f"{took}, allowed are {allowed} after the undo")
    number, good = report.after
    if number and good / number < usual:
        text = f"availability {share_text(good / number)} at the end, at least {share_text(usual)} is steady"
        yield Reason(aspect=Aspect.RECOVERY, text=text)


def _own_tier(report: DrillReport, drill: Drill) -> Iterator[Reason]:
    after, allowed = report.tier_recovered_seconds, drill.expect.tier_recovery
    if after is not None:
        if after > parse_duration(allowed):
            text = f"fresh answers by `{OWN_TIER}` took {format_duration(after)}, allowed are {allowed} after the undo"
            yield Reason(aspect=Aspect.RECOVERY, text=text)
    elif report.tier_after is not None and report.tier_after[0] >= LEAST_FRESH:
        fresh, own = report.tier_after
        usual = report.phase(Phase.BASELINE).share_of(OWN_TIER) or 0.0
        text = (
            f"`{OWN_TIER}` did not come back: {share_text(own / fresh)} of the fresh answers at the end,"
            f" {share_text(usual)} is usual, allowed are {allowed} after the undo"
        )
        yield Reason(aspect=Aspect.RECOVERY, text=text)


def _restarts(report: DrillReport, drill: Drill) -> Iterator[Reason]:
    expect = drill.expect
    if report.restarts > expect.restarts_allowed:
        text = f"{report.restarts} restarts, allowed are {expect.restarts_allowed}"
        yield Reason(aspect=Aspect.RESTARTS, text=text)
    if report.restarts < expect.restarts_at_least:
        text = f"{report.restarts} restarts, at least {expect.restarts_at_least} are to be: the fault ended nothing"
        yield Reason(aspect=Aspect.RESTARTS, text=text)
