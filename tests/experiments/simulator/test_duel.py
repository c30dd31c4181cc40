"""Two arms in one slate: fair places, credits to whom they belong, and the better arm is preferred."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.experiments.simulator.worlds import ByChance, BySimilarity, ByTruth, everybody, small_market, treat

from opsctl.core.errors import UsageError
from opsctl.experiments.simulator.duel import Credits, Duel, team_draft
from opsctl.experiments.simulator.market import Market
from opsctl.experiments.simulator.observed_items import usual_items
from opsctl.experiments.simulator.records import SimulatedDay
from opsctl.experiments.simulator.run import Plan, run_days
from opsctl.experiments.simulator.treatment import Treatment
from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.interleaving import interleaving_statistics, preference


@given(seed=st.integers(0, 10_000), count=st.integers(1, 6), size=st.integers(1, 7), spare=st.integers(0, 5))
@settings(max_examples=80)
def test_a_draft_is_that_of_the_rules_played_one_by_one(seed: int, count: int, size: int, spare: int) -> None:
    """Against a game of two captains, for any slates and coins."""
    draw = np.random.default_rng(seed)
    slates = [
        np.array([draw.permutation(size + spare)[:size] for _ in range(count)]).reshape(count, size)
        for _ in range(2)
    ]
    coins = draw.random((count, size)) < 0.5

    items, teams = team_draft(*slates, coins=coins)

    for row in range(count):
        placed: list[tuple[int, bool]] = []
        for place in range(size):
            lead = sum(1 if team else -1 for _, team in placed)
            team = bool(coins[row, place]) if lead == 0 else lead < 0
            taken = {item for item, _ in placed}
            best = next(item for item in slates[int(team)][row].tolist() if item not in taken)
            placed.append((best, team))
        assert list(zip(items[row].tolist(), teams[row].tolist(), strict=True)) == placed


def _fought(market: Market, duel: Duel, *, days: int) -> list[SimulatedDay]:
    arm = {"duel": Treatment(policy=duel, items=usual_items(market.observables))}
    return list(run_days(market, arm, everybody(market), plan=Plan(days=days, with_oracle=False)))


def _judged(duel: Duel, days: list[SimulatedDay]) -> tuple[float, float]:
    credits_of: list[Credits] = [duel.credits(day) for day in days]
    found = preference(
        interleaving_statistics(
            np.concatenate([each.readers for each in credits_of]),
            np.concatenate([each.for_control for each in credits_of]),
            np.concatenate([each.for_treatment for each in credits_of]),
        )
    )
    assert not isinstance(found, CannotTell)
    return found.value, found.p_value


def test_readers_prefer_the_better_arm_and_neither_of_two_equal_ones() -> None:
    """Of few readers in a few days, where an A/B test would want many."""
    market = small_market(users=200)
    duels = [
        Duel(market, control=treat(market, ByChance()), treatment=treat(market, other))
        for other in (ByTruth(market, error=2.0), ByChance())
    ]

    better, equal = (_judged(duel, _fought(market, duel, days=6)) for duel in duels)

    assert better[0] > 0.1
    assert better[1] < 1e-3
    assert equal[1] > 0.01


def test_every_click_is_somebodys_credit() -> None:
    """No more and no less."""
    market = small_market(users=100)
    duel = Duel(market, control=treat(market, ByChance()), treatment=treat(market, BySimilarity()))

    for day in _fought(market, duel, days=4):
        found = duel.credits(day)
        assert (found.for_control + found.for_treatment == day.sessions.clicks.sum(axis=1)).all()
        assert (found.readers == day.sessions.users).all()


def test_each_arm_learns_from_what_it_placed_and_both_from_what_neither_did() -> None:
    """The parts of all impressions are disjoint and together everything."""
    market, arms = small_market(users=100), [ByChance(), ByChance()]
    duel = Duel(market, control=treat(market, arms[0]), treatment=treat(market, arms[1]))

    days = _fought(market, duel, days=3)

    counts = [sum(len(each.users) for each in arm.taught) for arm in arms]
    assert sum(counts) == 4 * sum(len(day.sessions.users) for day in days)
    assert counts[0] == counts[1]  # slates of four hold two of each
    others = ByChance()
    list(run_days(market, {"a": treat(market, others)}, everybody(market), plan=Plan(days=1)))
    duel.learn(others.taught[0], generator=np.random.default_rng(1))
    for arm in arms:
        assert (arm.taught[-1].items == others.taught[0].items).all()


def test_what_is_no_duel_is_refused() -> None:
    """One learner on both sides, and a day that others filled."""
    market, policy = small_market(), ByChance()

    with pytest.raises(UsageError) as caught:
        Duel(market, control=treat(market, policy), treatment=treat(market, policy))

    assert caught.value.code == "EXP122"
    duel = Duel(market, control=treat(market), treatment=treat(market))
    day = next(run_days(market, {"a": treat(market)}, everybody(market), plan=Plan(days=1)))
    with pytest.raises(ValueError, match="no duels"):
        duel.credits(day)
