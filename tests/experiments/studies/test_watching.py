"""A learner that is taught by another arm's readers is found, and one that is not is left in peace."""

import numpy as np
import pytest

from opsctl.experiments.learners.model import Contexts, Feedback, Items, Policy, Slates
from opsctl.experiments.simulator.market import make_market
from opsctl.experiments.simulator.observed_items import usual_items
from opsctl.experiments.simulator.run import Plan, run_days
from opsctl.experiments.simulator.treatment import Treatment, WarmUp
from opsctl.experiments.simulator.world_book import World
from opsctl.experiments.studies.watching import Watch

WORLD = World(users=60, vendors=40, candidates=12, slate=4)


class First:
    """Shows the first candidates, and passes on what it learns where somebody listens."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.state_bytes = 0
        self.friend: Policy | None = None

    def choose(
        self,
        contexts: Contexts,
        *,
        size: int,
        generator: np.random.Generator,
        with_propensities: bool = False,
    ) -> Slates:
        """Show the first ones."""
        del generator, with_propensities
        items = contexts.candidates[:, :size]
        return Slates(items=items, propensities=np.full(items.shape, np.nan))

    def learn(self, feedback: Feedback, *, generator: np.random.Generator) -> None:
        """Tell the friend."""
        if self.friend is not None:
            self.friend.learn(feedback, generator=generator)


def leaks(*, is_leaky: bool, teaches: bool) -> tuple[str, ...]:
    """Return what is found after five days, two of them before the start."""
    market = make_market(WORLD, seed=3)
    items: Items = usual_items(market.observables)
    one, other = First("one"), First("other")
    assignment = np.arange(WORLD.users) % 2
    watch = Watch(
        {"one": Treatment(policy=one, items=items), "other": Treatment(policy=other, items=items)},
        assignment,
        teaches=teaches,
    )
    if is_leaky:
        one.friend = watch.treatments["other"].policy
    warm_up = WarmUp(days=2, treatment=Treatment(policy=First("before"), items=items), teaches=teaches)
    plan = Plan(days=3, warm_up=warm_up, with_oracle=False)
    for _ in watch.watch(run_days(market, watch.treatments, assignment, plan=plan)):
        pass
    return watch.leaks


@pytest.mark.parametrize("teaches", [True, False])
def test_arms_that_keep_apart_are_clean(teaches: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Whether or not the days before the start teach both."""
    assert leaks(is_leaky=False, teaches=teaches) == ()


@pytest.mark.parametrize("teaches", [True, False])
def test_an_arm_that_is_taught_by_the_other_ones_readers_is_found(teaches: bool) -> None:  # noqa: FBT001
    """By name."""
    found = leaks(is_leaky=True, teaches=teaches)

    assert len(found) == 1
    assert found[0].startswith("the learner of `other` was taught by")
