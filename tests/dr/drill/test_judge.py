"""A miss is a miss, whichever objective it is of; what says nothing is neither a pass nor a miss."""

from dataclasses import replace
from typing import Any

import pytest

from opsctl.dr.drill.conduct import CATALOGUE
from opsctl.dr.drill.judge import Goals, Outcome, judge
from opsctl.dr.drill.losses import Loss
from opsctl.dr.drill.model import CommandSeen, DrillRun, Stage, StageSeen

GOALS = Goals(rpo_seconds=60, rto_seconds=900, detect_seconds=120)
CONTENT = Loss(stream="content", acknowledged=500, tail=0, holes=0, phantoms=0, rpo_seconds=0.0)
ITEMS = replace(CONTENT, stream=CATALOGUE, acknowledged=300)


def stages(*seconds: float) -> tuple[StageSeen, ...]:
    """Return the stages as far as they were reached."""
    return tuple(StageSeen(stage=stage, seconds=each) for stage, each in zip(Stage, seconds, strict=False))


GOOD = DrillRun(
    scenario="both_lost",
    title="both stores lost",
    seed=1,
    started_at=0.0,
    destroyed_at=20.0,
    ended_at=900.0,
    backup_id="b",
    stages=stages(120.0, 1.0, 778.0, 1.0),
    commands=(CommandSeen(command="opsctl dr restore", seconds=700.0, exit_code=0),),
    restore_steps={},
    losses=(ITEMS, replace(CONTENT, tail=10, rpo_seconds=60.0)),
    divergence=0,
    acknowledged_per_second={"content": 18.0, "interactions": 25.0},
    given_up={"content": 1_000_000},
)


def reasons(outcome: Outcome, **changes: Any) -> tuple[str, ...]:
    """Return the reasons of a drill that differs from a good one."""
    verdict = judge(replace(GOOD, **changes), GOALS)
    assert verdict.outcome is outcome
    return verdict.reasons


def test_what_meets_every_objective_to_the_second_passes():
    """Rows that are given up on purpose are no loss."""
    assert reasons(Outcome.PASSED) == ()


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"losses": (replace(CONTENT, tail=11, rpo_seconds=60.1),)}, "11 acknowledged rows of `content` are lost"),
        ({"losses": (replace(CONTENT, holes=1, rpo_seconds=1.0),)}, "missing between others"),
        ({"losses": (replace(CONTENT, phantoms=2),)}, "2 rows of `content` are there though nobody sent them"),
        ({"losses": (replace(CONTENT, tail=500, rpo_seconds=25.0),)}, "nothing of `content` came back"),
        ({"losses": (replace(ITEMS, tail=1, rpo_seconds=20.0), CONTENT)}, "1 items that were there long before"),
        ({"divergence": 3}, "3 rows are in one store and not in the other"),
        ({"stages": stages(121.0, 1.0, 1.0, 1.0)}, "the alert came after"),
        ({"stages": stages(120.0, 1.0, 778.0, 1.1)}, "it took"),
        ({"stages": stages(120.0, 1.0, 778.0)}, "the service level was not met again"),
        ({"stages": ()}, "no alert told of it"),
        ({"commands": (CommandSeen(command="c", seconds=1.0, exit_code=4),)}, "`c` ended with 4: it said nothing"),
    ],
)  # fmt: skip
def test_each_objective_that_is_missed_is_a_miss_with_its_reason(changes: dict[str, object], word: str):
    """One is enough."""
    assert any(word in reason for reason in reasons(Outcome.MISSED, **changes))


def test_all_misses_are_told_at_once():
    """Whoever mends it knows all of it."""
    found = reasons(
        Outcome.MISSED, losses=(replace(CONTENT, holes=5, phantoms=1, rpo_seconds=100.0),), divergence=9
    )

    assert len(found) == 4


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"errors": ("STK020 it is down",)}, "STK020 it is down"),
        ({"is_interrupted": True}, "interrupted"),
        ({"destroyed_at": None}, "nothing was destroyed"),
        ({"acknowledged_per_second": {"content": 17.9}}, "only 17.9 rows a second"),
        ({"losses": ()}, "nobody counted"),
    ],
)
def test_what_says_nothing_is_inconclusive_whatever_else_it_shows(changes: dict[str, object], word: str):
    """Not even a miss: the drill itself was wrong."""
    found = reasons(Outcome.INCONCLUSIVE, divergence=9, **changes)

    assert len(found) == 1
    assert word in found[0]


def test_without_an_alert_nobody_waits_for_one():
    """Somebody noticed after the time that the book says."""
    goals = replace(GOALS, detect_seconds=None)

    assert judge(replace(GOOD, stages=stages(500.0, 1.0, 1.0, 1.0)), goals).outcome is Outcome.PASSED
