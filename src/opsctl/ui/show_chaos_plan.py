"""How does the plan of a drill look: what is done second by second, and what must hold meanwhile and afterwards."""

from collections.abc import Iterator

from opsctl.chaos.book import Drill
from opsctl.chaos.counters import counter_text
from opsctl.chaos.judge_load import share_text
from opsctl.chaos.load_drills import NamedDrill
from opsctl.chaos.plan import forecast_minutes, least_seconds, most_seconds
from opsctl.chaos.steps import FaultPart, Step, WaitStep, parts_of, step_seconds
from opsctl.core.units import format_duration, parse_duration
from opsctl.ui.console import out
from opsctl.ui.figures import significant
from opsctl.ui.hanging import print_hanging
from opsctl.ui.scales import clock_label
from opsctl.ui.table import show_table


def show_drill_plan(named: NamedDrill) -> None:
    """Print what a drill will do, second by second, and what must hold; nothing was done."""
    from rich.markup import escape

    drill = named.drill
    _line(f"[bold]{escape(named.name)}[/] {escape(drill.title)}")
    if drill.why:
        _line(f"[dim]{escape(drill.why)}[/]", indent=0)
    show_table(("at", "for", "what"), list(_plan_rows(drill)))
    for name, value in _demands(drill):
        _line(f"{name:<11}{escape(value)}")


def step_text(step: Step) -> str:
    """Return what a step does, in a few words."""
    if isinstance(step, WaitStep):
        return "wait"
    return " + ".join(_part_text(part) for part in parts_of(step))


def _plan_rows(drill: Drill) -> Iterator[tuple[str, str, str]]:
    from rich.markup import escape

    at = 0.0
    for seconds, text in (
        (parse_duration(drill.baseline), "baseline, with nothing broken"),
        *((step_seconds(step), step_text(step)) for step in drill.method),
        (most_seconds(drill) - least_seconds(drill), "recovery, at most"),
    ):
        yield clock_label(at), format_duration(seconds), escape(text)
        at += seconds


def _demands(drill: Drill) -> Iterator[tuple[str, str]]:
    steady, expect = drill.steady_state, drill.expect
    yield "load", f"{drill.load.per_second:g} requests a second"
    p99 = steady.fault_p99 or steady.p99
    yield "meanwhile", f"at most {share_text(steady.allowed_share)} may miss, p99 {p99}"
    if expect.tier != "any":
        yield "tier", f"{expect.tier} serves {share_text(expect.tier_share)} of the fresh answers"
    for counter in expect.counters:
        grows = f"{counter_text(counter.metric, counter.labels)} grows by {counter.grows_by_at_least:g}"
        yield "counted", grows
    for alert in expect.alerts:
        yield "alert", f"{alert.name} within {alert.detect_within}, over within {alert.resolve_within}"
    if expect.allowed_pages:
        yield "may page", ", ".join(expect.allowed_pages)
    if drill.mitigation is not None:
        yield "runbook", f"{drill.mitigation.command} ends it within {drill.mitigation.ends_within}"
    restarts = f"{expect.restarts_at_least} to " if expect.restarts_at_least else "at most "
    yield "afterwards", f"as usual within {expect.recovery}, {restarts}{expect.restarts_allowed} restarts"
    yield "own tier", f"the agents make fresh answers again within {expect.tier_recovery}"
    stop = drill.stop_when
    yield "stopped", f"where availability is below {share_text(stop.availability_below)} for {stop.lasts}"
    yield "may cost", f"{significant(forecast_minutes(drill))} minutes of the service level"


def _part_text(part: FaultPart) -> str:
    given = ", ".join(f"{name}={value}" for name, value in part.parameters.items())
    return f"{part.fault}({given})" if given else part.fault


def _line(text: str, *, indent: int = 11) -> None:
    print_hanging(out(), text, indent=indent, has_commands=True)
