"""What would a drill do: what it destroys, where and when, who is told, by which runbook, and what it has to achieve."""

from collections.abc import Mapping
from dataclasses import dataclass

from opsctl.dr.drill.book import Recovery
from opsctl.dr.drill.judge import Goals


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillPlan:
    """A drill, before anything is touched.

    Args:
        scenario: name of the book.
        recovery: the book.
        goals: what it has to achieve.
        ground: where its own stack is.
        runbook: the file of its runbook.
        commands: of the runbook, which the drill runs; none where there is no such runbook yet.
        moments: for each run, by its seed, the seconds from the first row of the canary to the loss.
    """

    scenario: str
    recovery: Recovery
    goals: Goals
    ground: str
    runbook: str
    commands: tuple[str, ...]
    moments: Mapping[int, float]
