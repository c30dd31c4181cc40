"""Drills for tests: a plain one, and variations of it."""

from typing import Any

from tests.fakes.drill_world import DrillWorld

from opsctl.chaos.book import Drill
from opsctl.chaos.conduct import hold
from opsctl.chaos.judge import judge
from opsctl.chaos.load_drills import NamedDrill
from opsctl.chaos.report import DrillReport
from opsctl.chaos.verdict import DrillVerdict
from opsctl.core.events import ignore

PLAIN: dict[str, Any] = {
    "title": "the vector database is down",
    "method": [{"fault": "vectors_down", "lasts": "60s"}],
    "expect": {"tier": "simple"},
}


def drill(**changes: Any) -> Drill:
    """Return the plain drill with other parts."""
    return Drill.model_validate(PLAIN | changes)


def named(made: Drill, *, name: str = "vectors-down") -> NamedDrill:
    """Return a drill with a name."""
    return NamedDrill(name=name, file=f"ops/drills/{name}.yaml", drill=made)


def held(
    world: DrillWorld, made: Drill, *, name: str = "vectors-down", **others: Any
) -> tuple[DrillReport, DrillVerdict]:
    """Hold a drill and judge it."""
    report = hold(named(made, name=name), world=world, clock=world.clock, listener=ignore, **others)
    return report, judge(report, made)


def texts(verdict: DrillVerdict) -> str:
    """Return all reasons of a verdict."""
    return "; ".join(reason.text for reason in verdict.reasons)


def between(earlier: float | None, later: float | None) -> float:
    """Return the time between two moments that there must have been."""
    assert earlier is not None
    assert later is not None
    return later - earlier
