"""What the settings of an arm become in the simulator: a learner that is as the book says."""

import pytest
from tests.experiments.books import book

from opsctl.experiments.learners.beta_thompson import BetaThompsonPolicy
from opsctl.experiments.learners.linear_thompson import LinearThompsonPolicy
from opsctl.experiments.simulator.market import make_market
from opsctl.experiments.studies.arms import prepare
from opsctl.experiments.studies.run import world_of_book


@pytest.mark.parametrize("learner", ["beta_ts", "linear_ts"])
def test_an_arm_forgets_as_its_book_says(learner: str) -> None:
    """Beside one that forgets nothing."""
    experiment = book(
        arms={
            "control": {"weight": 0.5, "settings": {"learner": learner}},
            "changed": {"weight": 0.5, "settings": {"learner": learner, "forgetting": 0.9}},
        },
        simulation={"users": 20, "days": 1, "world": {"vendors": 40, "candidates": 12}},
    )

    treatments = prepare(experiment, make_market(world_of_book(experiment), seed=1)).treatments()

    policies = [each.policy for each in treatments.values()]
    assert all(isinstance(policy, BetaThompsonPolicy | LinearThompsonPolicy) for policy in policies)
    assert [policy.forgetting for policy in policies] == [1.0, 0.9]  # type: ignore[attr-defined]
