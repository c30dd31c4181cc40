"""How does a load look before it is sent: its arrivals as a small chart, what it asks for, what must hold."""

from collections.abc import Mapping
from dataclasses import dataclass

from opsctl.core.units import format_count, format_duration
from opsctl.ui.console import print_line
from opsctl.ui.sparkline import sparkline


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPlan:
    """What `bench load --dry-run` tells."""

    load: str
    title: str
    target: str
    engine: str
    loop: str
    seconds: float
    requests: int
    rates: tuple[float, ...]
    """Planned requests a second, evenly over the run."""
    mix: Mapping[str, float]
    """Share by endpoint; empty for a replayed log."""
    users: int
    gates: tuple[str, ...]
    processes: int
    connections: int
    warm_up: bool
    """Every user asks once before anything counts."""
    plan_digest: str
    book_digest: str


def show_load_plan(plan: LoadPlan) -> None:
    """Print the plan of a load; nothing was sent."""
    mix = ", ".join(f"{name} {share:.3g}" for name, share in _percent(plan.mix).items())
    rows = {
        "load": f"{plan.load}: {plan.title}" if plan.title else plan.load,
        "target": plan.target,
        "requests": f"{format_count(plan.requests)} in {format_duration(plan.seconds)}",
        "rate": f"{sparkline(plan.rates, width=60, floor=0)} up to {format_count(max(plan.rates))}/s",
        "mix": f"{mix} %" if mix else "as recorded",
        "users": f"{format_count(plan.users)}{', each asked once before' if plan.warm_up else ''}",
        "sender": f"{plan.engine}, {plan.loop} loop, {plan.processes} x {plan.connections} connections",
        "gates": "; ".join(plan.gates) or "none",
        "plan": plan.plan_digest[:16],
    }
    for name, value in rows.items():
        print_line(f"{name:<10}{value}")


def _percent(mix: Mapping[str, float]) -> dict[str, float]:
    return {name: share * 100 for name, share in mix.items()}
