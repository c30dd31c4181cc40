"""How readers change: tastes go towards clicks, satisfaction follows its formula, and the content ones come and answer."""

from typing import Any

import numpy as np
import pytest
from scipy import stats
from tests.experiments.simulator.worlds import small_market

from opsctl.experiments.simulator.choices import Occasion
from opsctl.experiments.simulator.dynamics import (
    ReaderState,
    contentment,
    initial_state,
    live_on,
    sessions_today,
    survey,
)
from opsctl.experiments.simulator.market import Market
from opsctl.experiments.simulator.noise import Noise

_NOISE = Noise(seed=9)


def _occasion(*users: int, day: int = 0) -> Occasion:
    return Occasion(noise=_NOISE, day=day, slot=0, users=np.array(users))


def _lived(market: Market, clicks: list[list[int]], relevance: float = 0.8) -> tuple[ReaderState, np.ndarray]:
    """Return the state after one session of the first readers, each shown vendors 0, 1, 2."""
    state = initial_state(market)
    shown = np.tile(np.arange(3), (len(clicks), 1))
    live_on(
        market,
        state,
        occasion=_occasion(*range(len(clicks))),
        vendors=shown,
        clicks=np.array(clicks, bool),
        relevance=np.full(shown.shape, relevance),
    )
    return state, shown


def test_a_taste_goes_towards_what_was_clicked_and_no_other_taste_moves() -> None:
    """By the share that the world says."""
    market = small_market(drift=0.25)

    state, _ = _lived(market, [[0, 1, 0], [0, 0, 0]])

    before, traits = market.readers.tastes, market.vendors.traits
    assert state.tastes[0] == pytest.approx(before[0] + 0.25 * (traits[1] - before[0]))
    assert (state.tastes[1:] == before[1:]).all()


def test_of_several_clicks_a_taste_goes_towards_the_middle() -> None:
    """It does not run past them."""
    market = small_market(drift=0.25)

    state, _ = _lived(market, [[1, 1, 0]])

    before, traits = market.readers.tastes[0], market.vendors.traits
    assert state.tastes[0] == pytest.approx(before + 0.25 * ((traits[0] + traits[1]) / 2 - before))


def test_satisfaction_follows_its_formula() -> None:
    """With one click, two and none; and once more with what is left of it."""
    market = small_market(satisfaction_noise=0.0)
    world, clickbait = market.world, market.vendors.clickbait

    state, _ = _lived(market, [[0, 1, 0], [1, 0, 1], [0, 0, 0]], relevance=0.8)

    value = 2 * (0.8 - 0.5) - world.clickbait_regret * clickbait
    assert state.satisfaction[:3] == pytest.approx([value[1], (value[0] + value[2]) / 2, -world.boredom])
    again = np.array([[0, 1, 0]], bool)
    live_on(
        market,
        state,
        occasion=_occasion(0, day=1),
        vendors=np.array([[0, 1, 2]]),
        clicks=again,
        relevance=np.full((1, 3), 0.3),
    )
    second = 2 * (0.3 - 0.5) - world.clickbait_regret * clickbait[1]
    assert state.satisfaction[0] == pytest.approx(world.satisfaction_memory * value[1] + second)


def test_a_memory_holds_what_was_opened_last() -> None:
    """The oldest makes room; readers remember by themselves."""
    market = small_market(remembered=3)
    state = initial_state(market)
    for day, vendor in enumerate([4, 5, 6, 7]):
        live_on(
            market,
            state,
            occasion=_occasion(0, 1, day=day),
            vendors=np.array([[vendor], [vendor]]),
            clicks=np.array([[True], [day == 1]]),
            relevance=np.full((2, 1), 0.5),
        )

    assert sorted(state.memories[0].tolist()) == [5, 6, 7]
    assert sorted(state.memories[1].tolist()) == [-1, -1, 5]
    assert state.opened[:3].tolist() == [4, 1, 0]


def test_readers_come_with_the_chance_that_activity_and_satisfaction_give_them() -> None:
    """Each of 400 readers over 1,500 days."""
    market = small_market(users=400, more_sessions=0.0)
    state = initial_state(market)
    state.satisfaction[::2] = 3.0
    days = 1500

    came = sum((sessions_today(market, _NOISE, state, day=day) > 0).astype(float) for day in range(days))

    hazard = market.readers.activity + market.world.return_satisfaction * contentment(market, state)
    wanted = np.clip(hazard, 0.01, 0.95)
    errors = np.sqrt(wanted * (1 - wanted) / days)
    assert (np.abs(came / days - wanted) < 4.5 * errors).all()
    assert contentment(market, state)[0] > contentment(market, state)[1]


def test_further_sessions_of_a_day_are_poisson_and_bounded() -> None:
    """What lies beyond the bound counts as the bound."""
    market = small_market(users=20_000, more_sessions=0.7, most_sessions=4)

    counts = sessions_today(market, _NOISE, initial_state(market), day=0)

    further = counts[counts > 0] - 1
    wanted = stats.poisson(0.7).pmf(np.arange(3)).tolist()
    wanted.append(1 - sum(wanted))
    observed = np.bincount(further, minlength=4)
    assert stats.chisquare(observed, np.array(wanted) * len(further)).pvalue > 1e-3


def _answers(satisfaction: float, **numbers: Any) -> np.ndarray:
    market = small_market(users=20_000, nps_share=1.0, **numbers)
    state = initial_state(market)
    state.satisfaction[:] = satisfaction
    _, answers = survey(market, state, occasion=_occasion(*range(20_000)))
    return answers


def test_content_readers_answer_more_often_and_better() -> None:
    """Those who answer are not like those who do not."""
    content, annoyed = _answers(2.0), _answers(-3.0)

    assert set(np.unique(content)) <= {-100.0, 0.0, 100.0}
    assert len(content) > 1.5 * len(annoyed)
    assert content.mean() > 30 > -90 > annoyed.mean()


def test_an_answer_is_ten_times_the_satisfaction_with_noise_cut_at_nine_and_six() -> None:
    """Against the normal distribution."""
    answers = _answers(-np.inf, nps_response=1.0, nps_response_satisfaction=0.0, nps_noise=0.0)
    assert (answers == -100).all()
    answers = _answers(np.inf, nps_response=1.0, nps_response_satisfaction=0.0, nps_noise=2.0)

    promoters = stats.norm.cdf(1.5 / 2.0)  # 10 - 8.5, from where on a score is rounded to 9
    detractors = stats.norm.cdf(-3.5 / 2.0)
    assert (answers == 100).mean() == pytest.approx(promoters, abs=0.015)
    assert (answers == -100).mean() == pytest.approx(detractors, abs=0.01)
