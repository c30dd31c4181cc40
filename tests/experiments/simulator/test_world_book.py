"""What a book may say of the simulated world: every number is checked, and the same numbers have the same digest."""

import pytest

from opsctl.core.errors import UsageError
from opsctl.experiments.simulator.explanations import EXPLANATIONS
from opsctl.experiments.simulator.world_book import Choice, World, world_of


def test_numbers_that_a_book_changes_are_changed_and_the_others_stay() -> None:
    """A book's `world` and its number of users."""
    world = world_of({"choice": "cascade", "drift": 0.02}, users=40)

    assert world == World(choice=Choice.CASCADE, drift=0.02, users=40)


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ({"drif": 0.1}, "unknown key `drif`"),
        ({"drift": 2}, "drift"),
        ({"choice": "coin"}, "choice"),
        ({"drift": float("nan")}, "drift"),
        ({"users": 0}, "users"),
        ({"vendors": 40, "candidates": 50}, "cannot give 50 `candidates`"),
        ({"slate": 60}, "`slate` of 60"),
        ({"styles": 2, "hidden_styles": 2}, "hidden_styles"),
        ({"world": {"drift": 0.1}}, "unknown key `world`"),
    ],
)
def test_a_wrong_number_is_refused_and_named(numbers: dict[str, object], said: str) -> None:
    """Unknown, out of bounds, not finite, or not fitting the others."""
    with pytest.raises(UsageError) as caught:
        world_of(numbers)

    assert caught.value.code == "EXP120"
    assert any(said in finding.title for finding in caught.value.findings)


def test_all_that_is_wrong_is_told_at_once() -> None:
    """One finding each."""
    with pytest.raises(UsageError) as caught:
        world_of({"drift": 2, "slate": -1, "colour": "red"})

    assert len(caught.value.findings) == 3


def test_the_digest_changes_with_any_number_and_with_nothing_else() -> None:
    """Writing the usual value changes nothing."""
    assert World().digest == world_of({}).digest
    assert World().digest == world_of({"drift": World().drift}).digest
    assert len({World().digest, World(drift=0.02).digest, World(users=999).digest}) == 3


def test_every_code_of_the_simulator_is_explained() -> None:
    """`opsctl explain` knows them."""
    assert set(EXPLANATIONS) >= {f"EXP{number}" for number in range(120, 125)}
