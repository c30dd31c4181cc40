"""The first stage of a book is between the arms that its test is between."""

from typing import Any

from tests.experiments.books import book

from opsctl.experiments.simulator.market import make_market
from opsctl.experiments.studies.arms import prepare
from opsctl.experiments.studies.run import _duel, world_of_book

CONTROL: dict[str, Any] = {"control": {"weight": 0.5, "settings": {"learner": "random"}}}
GREEDY: dict[str, Any] = {"changed": {"weight": 0.5, "settings": {"learner": "greedy"}}}
NOBODY: dict[str, Any] = {"idle": {"weight": 0, "settings": {"learner": "random"}}}


def _preference(arms: dict[str, Any]) -> object:
    experiment = book(
        arms=arms,
        interleaving={"days": 3},
        simulation={"users": 60, "days": 1, "world": {"vendors": 40, "candidates": 12}},
    )
    return _duel(prepare(experiment, make_market(world_of_book(experiment), seed=1)))


def test_an_arm_that_gets_nobody_fills_no_feed() -> None:
    """It changes nothing of what is said of the others, wherever it stands in the book."""
    plain = _preference(CONTROL | GREEDY)

    assert plain is not None
    assert _preference(CONTROL | NOBODY | GREEDY) == plain


def test_without_another_arm_there_is_no_first_stage() -> None:
    """Nobody chooses between one thing."""
    assert _preference({"control": {"weight": 1.0, "settings": {"learner": "random"}}} | NOBODY) is None
