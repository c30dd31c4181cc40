"""What the goals of the shipped exercises name is what the commands really record; else nobody could ever pass."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.bench.load.reports import a_report
from tests.ui.experiments_shown import reported

from opsctl import assets
from opsctl.bench.load.record import load_evidence
from opsctl.config.load import load_book
from opsctl.experiments.analysis.document import analysis_evidence
from opsctl.training.book import Answer, Exercise, Proof

SOURCE = Path(__file__).parents[2] / "src" / "opsctl"
BOOKS = [load_book(path, Exercise) for path in sorted(assets.watching()["ops/training"].glob("*.yaml"))]
GOALS = [goal for book in BOOKS for goal in book.done_when]
NOW = datetime(2026, 11, 29, tzinfo=UTC)


def test_every_kind_of_evidence_is_recorded_by_some_command():
    """By its whole name, in the code of some domain."""
    text = "\n".join(
        path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py") if "training" not in path.parts
    )
    recorded = set(re.findall(r'"([a-z]+\.[a-z_]+)"', text))

    wanted = {goal.proven_by for goal in GOALS if isinstance(goal, Proof)}
    assert len(wanted) >= 8
    assert wanted - recorded == set()


@pytest.mark.parametrize("goal", [goal for goal in GOALS if isinstance(goal, Answer) and goal.figure])
def test_every_figure_that_is_asked_for_is_in_the_evidence(goal: Answer):
    """Of its kind, as the command itself would write it."""
    evidence = {
        "bench.load": lambda: load_evidence(a_report(), run_id="r", started_at=NOW),
        "experiments.analyze": lambda: analysis_evidence(reported().analysis, seconds=1.0),
    }[str(goal.of)]()

    assert evidence.kind == goal.of
    assert evidence.figures.get(str(goal.figure)) is not None
