"""Whether the world is fit to judge policies: nobody beats the oracle, chance never learns, places and styles matter."""

import itertools
from typing import Any

import numpy as np
import pytest
from scipy import stats
from tests.experiments.simulator.worlds import (
    ByChance,
    BySimilarity,
    ByTruth,
    column,
    everybody,
    run_alone,
    small_market,
)

from opsctl.experiments.learners.model import Contexts, Floats
from opsctl.experiments.simulator.observed_items import usual_items
from opsctl.experiments.simulator.ranking_policy import RankingPolicy
from opsctl.experiments.simulator.run import Plan, run_days
from opsctl.experiments.simulator.treatment import Treatment
from opsctl.experiments.simulator.world_book import Choice

_WORLDS = list(itertools.product(Choice, (0.0, 0.01, 0.1)))


@pytest.mark.slow
@pytest.mark.parametrize(("choice", "drift"), _WORLDS)
def test_nobody_beats_the_oracle_under_any_choice_model_and_drift(choice: Choice, drift: float) -> None:
    """Slate by slate where it is exact; where it is greedy, on average."""
    for within in (False, True):
        market = small_market(users=80, choice=choice, drift=drift, satiation_within_slate=within)
        for policy in (ByChance(), BySimilarity(), ByTruth(market), ByTruth(market, error=1.0)):
            regrets = column(run_alone(market, policy, days=6), "regrets")

            assert regrets.mean() > 0
            assert stats.ttest_1samp(regrets, 0).statistic > 3
            if not within:
                assert regrets.min() > -1e-12


def test_the_real_ranking_does_not_beat_the_oracle_either() -> None:
    """On average over its slates."""
    market = small_market(users=60)
    treatment = Treatment(policy=RankingPolicy(market.observables), items=usual_items(market.observables))

    days = list(run_days(market, {"a": treatment}, everybody(market), plan=Plan(days=5)))

    assert stats.ttest_1samp(column(days, "regrets"), 0).statistic > 3


def test_who_knows_the_truth_misses_almost_nothing() -> None:
    """In a world in which it stays the truth."""
    market = small_market(users=80, drift=0.0, satiation=0.0)

    regrets = column(run_alone(market, ByTruth(market), days=5), "regrets")

    assert regrets == pytest.approx(np.zeros(len(regrets)), abs=1e-12)


@pytest.mark.slow
def test_chance_has_linear_regret() -> None:
    """Its regret a session is the same in all weeks, but for the first ones, in which readers get to know vendors."""
    market = small_market(users=400, arrivals=0.0, satiation=0.0, drift=0.0)
    days = run_alone(market, ByChance(), days=42)
    usual = run_alone(small_market(users=400), ByChance(), days=42)

    regrets = [day.sessions.regrets.mean() for day in days]

    line = stats.linregress(np.arange(42), regrets)
    assert abs(line.slope) < 4 * line.stderr
    assert abs(line.slope) * 42 < 0.05 * np.mean(regrets)
    for each in (days, usual):
        total = np.cumsum([day.sessions.regrets.sum() for day in each])
        assert stats.linregress(np.arange(42), total).rvalue > 0.998


def test_who_learns_has_falling_regret() -> None:
    """Showing what is like what a reader clicked, and by chance until there is something."""
    market = small_market(users=400, arrivals=0.0, satiation=0.0, drift=0.0)

    days = run_alone(market, BySimilarity(), days=28)

    regrets = [day.sessions.regrets.mean() for day in days]
    assert np.mean(regrets[-7:]) < 0.9 * np.mean(regrets[:2])


def test_who_knows_more_is_better_in_the_order_of_what_is_known() -> None:
    """From the truth over blurred ones to chance."""
    market = small_market(users=200)
    policies = [ByTruth(market, error=error) for error in (0.0, 1.0, 3.0)] + [ByChance()]

    rewards = [column(run_alone(market, policy, days=6), "rewards").mean() for policy in policies]

    assert rewards == sorted(rewards, reverse=True)
    assert rewards[0] > 1.5 * rewards[-1]


@pytest.mark.parametrize("choice", Choice)
def test_position_bias_can_be_seen_in_what_chance_shows(choice: Choice) -> None:
    """What stands where has nothing to do with what it is, and still the top is clicked most."""
    market = small_market(users=500, choice=choice)

    clicks = column(run_alone(market, ByChance(), days=15), "clicks").sum(axis=0)

    assert clicks[0] > 1.2 * clicks[1] > 1.2 * clicks[3]


@pytest.mark.parametrize("choice", Choice)
def test_what_readers_do_is_what_is_said_to_be_true(choice: Choice) -> None:
    """The sum of clicks against that of their probabilities, place by place."""
    market = small_market(users=500, choice=choice)

    days = run_alone(market, BySimilarity(), days=10)

    clicks, probabilities = column(days, "clicks"), column(days, "probabilities")
    errors = np.sqrt((probabilities * (1 - probabilities)).sum(axis=0))
    assert (np.abs(clicks.sum(axis=0) - probabilities.sum(axis=0)) < 4.5 * errors).all()


class _OneStyle(ByTruth):
    """Favours what is like the best one, by as much as `alike` says."""

    def __init__(self, *arguments: Any, alike: float, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._alike = alike

    def scores(self, contexts: Contexts, generator: np.random.Generator) -> Floats:
        likeness = self._market.vendors.likeness
        scores = super().scores(contexts, generator)
        best = np.take_along_axis(contexts.candidates, scores.argmax(axis=1)[:, None], axis=1)
        return scores + self._alike * likeness[best, contexts.candidates]


def test_satiation_gives_diversity_a_true_value() -> None:
    """Slates that are alike lose more where readers have enough of it; and best is no longer what is best one by one."""

    def lost(satiation: float) -> tuple[float, float]:
        market = small_market(users=200, satiation=satiation, vendors=200, candidates=40, slate=6)
        alike, diverse = (run_alone(market, _OneStyle(market, alike=each), days=4) for each in (10.0, 0.0))
        assert column(alike, "diversity").mean() < column(diverse, "diversity").mean() - 0.1
        rewards = [column(days, "rewards").mean() for days in (alike, diverse)]
        return 1 - rewards[0] / rewards[1], 1 - rewards[1] / column(diverse, "best_rewards").mean()

    by_being_alike, by_looking_at_each = lost(2.0)

    assert by_being_alike > lost(0.0)[0] + 0.02
    assert by_looking_at_each > lost(0.0)[1] + 0.02


def test_hidden_styles_give_serendipity_a_true_value() -> None:
    """Who shows what a reader secretly likes gets more clicks than who shows what nothing speaks for."""
    market = small_market(users=300, drift=0.0)
    day = run_alone(market, ByChance(), days=10)
    users, slates = column(day, "users"), column(day, "slates")
    styles = market.vendors.styles[slates]
    hidden = market.readers.hidden[users[:, None], styles]
    other = ~hidden & (styles != market.readers.styles[users][:, None])

    clicks = column(day, "clicks")

    assert clicks[hidden].mean() > 2 * clicks[other].mean()


@pytest.mark.slow
def test_satisfied_readers_come_more_often() -> None:
    """The better policy brings more sessions: what a guardrail on returning readers is there for."""
    market = small_market(users=600, return_satisfaction=0.6, return_base=0.05)

    sessions = [
        len(column(run_alone(market, policy, days=25, with_oracle=False), "users"))
        for policy in (ByChance(), ByTruth(market))
    ]

    assert sessions[1] > 1.03 * sessions[0]


@pytest.mark.slow
def test_clickbait_is_clicked_and_regretted() -> None:
    """More clicks, and less satisfaction in the end."""
    market = small_market(users=600, clickbait_weight=3.0, clickbait_regret=2.0)

    class Bait(ByTruth):
        def scores(self, contexts: Contexts, generator: np.random.Generator) -> Floats:
            bait = self._market.vendors.clickbait[contexts.candidates]
            return super().scores(contexts, generator) + 3 * bait

    baited, honest = (run_alone(market, policy, days=14) for policy in (Bait(market), ByChance()))

    assert column(baited, "clicks").any(axis=1).mean() > column(honest, "clicks").any(axis=1).mean()
    assert baited[-1].satisfaction.mean() < honest[-1].satisfaction.mean()
