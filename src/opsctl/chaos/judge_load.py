"""What do the requests of a drill say against it: while the fault was on, and about whether there were enough of them."""

from collections.abc import Iterator

from opsctl.chaos.book import Drill
from opsctl.chaos.counters import counter_text
from opsctl.chaos.report import DrillReport
from opsctl.chaos.sample import Phase, PhaseFigures
from opsctl.chaos.verdict import Aspect, Reason
from opsctl.core.units import format_duration, parse_duration

_SILENT_SHARE = 0.2
"""A load that is off for more than a fifth of the fault is none."""


def fault_reasons(report: DrillReport, drill: Drill) -> Iterator[Reason]:
    """Yield what was not as it must be while the fault was on."""
    figures = report.phase(Phase.FAULT)
    yield from _missed(figures, drill)
    yield from _slow(figures, drill)
    yield from _tier(figures, drill)
    yield from _probes(report, drill)
    if figures.stale and not drill.expect.stale_allowed:
        yield Reason(aspect=Aspect.STALE, text=f"{figures.stale} stale answers, allowed are none")
    most, attempts = drill.expect.most_attempts, figures.attempts
    if most is not None and attempts is not None and attempts > most:
        text = f"{attempts:.2f} attempts a request, allowed are {most:.2f}"
        yield Reason(aspect=Aspect.ATTEMPTS, text=text)
    yield from _calls(report, drill)
    yield from _counters(report, drill)


def load_gaps(report: DrillReport, drill: Drill) -> Iterator[str]:
    """Yield why the load was not enough to tell anything."""
    yield from _unseen(report, drill)
    needed = drill.steady_state.min_samples
    if not needed:
        return
    for phase in Phase:
        number = report.phase(phase).number
        least = 1 if phase is Phase.RECOVERY else needed
        if number < least and not (phase is Phase.RECOVERY and report.interrupted):
            yield f"only {number} requests in the phase {phase}, at least {least} are needed"
    for dependency in drill.expect.most_calls:
        if report.call_growth(dependency) is None:
            yield f"nobody counted the calls to {dependency}"
    silent, all_points = _silent_points(report)
    if all_points and silent / all_points > _SILENT_SHARE:
        yield f"no request in {silent} of {all_points} stretches of the fault, so there was no load"


def _unseen(report: DrillReport, drill: Drill) -> Iterator[str]:
    for fault in report.unfelt:
        yield f"the fault `{fault}` met no request"
    asked = {probe.name for probe in report.probes if probe.phase is Phase.FAULT and probe.asked}
    for probe in drill.probes:
        if probe.name not in asked:
            yield f"the probe `{probe.name}` was not asked once while the fault was on"
    if drill.expect.counters and not report.counters:
        yield "nobody could read what the service counts"
    if report.spent_minutes is None:
        yield "what it cost cannot be told, because nobody asked before the fault"


def share_text(share: float) -> str:
    """Return a share in percent with as many digits as an objective has, never rounded up to all.

    >>> [share_text(value) for value in (1, 0.99996, 0.995, 0.5)]
    ['100 %', '99.99 %', '99.5 %', '50 %']
    """
    percent = int(share * 10_000 + 1e-9) / 100
    return f"{percent:g} %"


def _calls(report: DrillReport, drill: Drill) -> Iterator[Reason]:
    for dependency, most in drill.expect.most_calls.items():
        growth = report.call_growth(dependency)
        if growth is not None and growth > most:
            text = f"{dependency} was called {growth:.2f} times as often as usual for a feed, allowed are {most:.2f}"
            yield Reason(aspect=Aspect.ATTEMPTS, text=text)


def _counters(report: DrillReport, drill: Drill) -> Iterator[Reason]:
    for expected, seen in zip(drill.expect.counters, report.counters, strict=False):
        if seen.growth < expected.grows_by_at_least:
            text = (
                f"{counter_text(seen.metric, seen.labels)} grew by {seen.growth:g} while the fault was on,"
                f" at least {expected.grows_by_at_least:g} is expected"
            )
            yield Reason(aspect=Aspect.COUNTERS, text=text)


def _missed(figures: PhaseFigures, drill: Drill) -> Iterator[Reason]:
    steady = drill.steady_state
    if figures.number and figures.bad / figures.number > steady.allowed_share + 1e-12:
        text = (
            f"{figures.bad} of {figures.number} requests missed ({100 * figures.bad / figures.number:.3g} %)"
            f" while the fault was on, allowed are {100 * steady.allowed_share:.3g} %"
        )
        yield Reason(aspect=Aspect.AVAILABILITY, text=text)
    if figures.empty > steady.empty_feeds:
        text = f"{figures.empty} empty feeds, allowed are {steady.empty_feeds}"
        yield Reason(aspect=Aspect.EMPTY_FEEDS, text=text)


def _slow(figures: PhaseFigures, drill: Drill) -> Iterator[Reason]:
    limit = drill.steady_state.fault_p99 or drill.steady_state.p99
    if figures.p99_seconds is not None and figures.p99_seconds > parse_duration(limit):
        text = f"p99 {format_duration(figures.p99_seconds)} while the fault was on, allowed are {limit}"
        yield Reason(aspect=Aspect.LATENCY, text=text)


def _tier(figures: PhaseFigures, drill: Drill) -> Iterator[Reason]:
    wanted, least = drill.expect.tier, drill.expect.tier_share
    if wanted == "any":
        return
    share = figures.share_of(wanted)
    if share is None:
        text = f"no fresh answer names its tier, so none was seen of `{wanted}`"
        yield Reason(aspect=Aspect.TIER, text=text)
    elif share < least:
        seen = ", ".join(f"{tier} {share_text(figures.share_of(tier) or 0)}" for tier in figures.tiers)
        text = f"`{wanted}` served {share_text(share)} of the fresh answers, at least {share_text(least)} are to be ({seen})"
        yield Reason(aspect=Aspect.TIER, text=text)


def _probes(report: DrillReport, drill: Drill) -> Iterator[Reason]:
    for probe in report.probes:
        if probe.phase is Phase.FAULT and probe.missed / probe.asked > drill.steady_state.allowed_share:
            text = (
                f"the probe `{probe.name}` missed {probe.missed} of {probe.asked} times: {probe.first_miss}"
            )
            yield Reason(aspect=Aspect.PROBE, text=text)


def _silent_points(report: DrillReport) -> tuple[int, int]:
    """Return the stretches wholly inside the fault that no request began in, and all of them."""
    if report.fault_at is None or report.undone_at is None:
        return 0, 0
    begins, ends = report.fault_at - report.started_at, report.undone_at - report.started_at
    inside = [
        point
        for point in report.points
        if point.second >= begins and point.second + point.length_seconds <= ends
    ]
    return sum(not point.number for point in inside), len(inside)
