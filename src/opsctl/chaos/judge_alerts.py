"""What do the alerts of a drill say against it: late, missing, without an end, or none that should have fired."""

from collections.abc import Iterator

from opsctl.chaos.book import Control, Drill
from opsctl.chaos.expectations import ExpectedAlert
from opsctl.chaos.report import AlertSeen, DrillReport
from opsctl.chaos.verdict import Aspect, Reason
from opsctl.core.units import format_duration, parse_duration


def alert_reasons(report: DrillReport, drill: Drill) -> Iterator[Reason]:
    """Yield what was not as it must be with the alerts."""
    if report.control is Control.NULL_DRILL:
        for seen in report.alerts:
            yield _reason(f"`{seen.name}` fired although nothing was broken")
        return
    for alert in drill.expect.alerts:
        for text in _wrong(alert, report.alert(alert.name), report):
            yield _reason(text)
    if drill.expect.no_other_pages:
        expected = {*(alert.name for alert in drill.expect.alerts), *drill.expect.allowed_pages}
        for seen in report.alerts:
            if seen.is_page and seen.name not in expected:
                yield _reason(f"`{seen.name}` woke somebody, which this fault must not")


def muted_wrongs(report: DrillReport, drill: Drill) -> Iterator[str]:
    """Yield why a drill with muted alerts did not miss just these: each must have fired without a message."""
    muted = [alert.name for alert in drill.expect.alerts if alert.told]
    for name in muted:
        seen = report.alert(name)
        if seen.told_at is not None:
            yield f"somebody was told of `{name}`, which is muted"
        elif seen.firing_at is None:
            yield f"`{name}` is muted, but it did not even fire"
    for reason in alert_reasons(report, drill):
        if not any(f"`{name}`" in reason.text for name in muted):
            yield reason.text


def detected_seconds(alert: ExpectedAlert, report: DrillReport) -> float | None:
    """Return the time from the fault to the message, or to the alert itself where nobody is told."""
    seen = report.alert(alert.name)
    at = seen.told_at if alert.told else seen.firing_at
    return None if at is None or report.fault_at is None else max(0.0, round(at - report.fault_at, 1))


def resolved_seconds(alert: ExpectedAlert, report: DrillReport) -> float | None:
    """Return the time from the undo to the end of the alert; below zero where it ended before."""
    over_at = report.alert(alert.name).over_at
    return None if over_at is None or report.undone_at is None else round(over_at - report.undone_at, 1)


def _wrong(alert: ExpectedAlert, seen: AlertSeen, report: DrillReport) -> Iterator[str]:
    detected, allowed = detected_seconds(alert, report), parse_duration(alert.detect_within)
    if detected is None:
        how = "fired, but nobody was told" if seen.firing_at is not None else "did not fire"
        yield f"`{alert.name}` {how}, {alert.detect_within} are allowed"
        return
    if detected > allowed:
        yield f"`{alert.name}` took {format_duration(detected)}, allowed are {alert.detect_within}"
    resolved = resolved_seconds(alert, report)
    if resolved is None:
        yield f"`{alert.name}` was not over {alert.resolve_within} after the undo"
    elif resolved > parse_duration(alert.resolve_within):
        yield f"`{alert.name}` was over after {format_duration(resolved)}, allowed are {alert.resolve_within}"
    elif resolved < 0 and not (report.mitigation and report.mitigation.worked):
        yield f"`{alert.name}` was told to be over {format_duration(-resolved)} before the undo"


def _reason(text: str) -> Reason:
    return Reason(aspect=Aspect.ALERT, text=text)
