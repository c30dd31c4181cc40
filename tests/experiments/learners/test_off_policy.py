"""Off-policy estimates: on a bandit whose truth is known they find it, their intervals hold it, and bad logs are refused."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsctl.core.errors import UsageError
from opsctl.experiments.learners.off_policy import Estimator, Log, effective_samples, estimate

CONTEXTS, ACTIONS = 6, 5
_SOURCE = np.random.default_rng(17)
RATES = _SOURCE.uniform(0.05, 0.6, (CONTEXTS, ACTIONS))
LOGGING = _SOURCE.dirichlet(np.full(ACTIONS, 3.0), CONTEXTS)
TARGET = _SOURCE.dirichlet(np.full(ACTIONS, 1.0), CONTEXTS)
TRUTH = float((TARGET * RATES).sum(axis=1).mean())
WRONG_MODEL = np.full((CONTEXTS, ACTIONS), 0.9)


def _log(rows: int, seed: int, *, model=WRONG_MODEL, logging=LOGGING) -> Log:
    """Return what the logging policy would log, with what a model says of it."""
    source = np.random.default_rng(seed)
    contexts = source.integers(0, CONTEXTS, rows)
    actions = np.minimum(
        (source.random((rows, 1)) > LOGGING[contexts].cumsum(axis=1)).sum(axis=1), ACTIONS - 1
    )
    return Log(
        rewards=(source.random(rows) < RATES[contexts, actions]).astype(np.float64),
        propensities=logging[contexts, actions],
        target=TARGET[contexts, actions],
        modelled=model[contexts, actions],
        modelled_target=(TARGET * model).sum(axis=1)[contexts],
    )


@pytest.mark.parametrize("estimator", [Estimator.IPS, Estimator.SNIPS, Estimator.DR])
def test_intervals_hold_the_truth_as_often_as_they_say(estimator: Estimator) -> None:
    """400 logs of 1,000 rows: 95 %, give or take three standard errors of a share; and on average they hit it."""
    found = [estimate(_log(1000, seed), estimator) for seed in range(400)]

    coverage = np.mean([each.low <= TRUTH <= each.high for each in found])
    errors = np.array([each.value - TRUTH for each in found])
    assert coverage == pytest.approx(0.95, abs=3 * np.sqrt(0.95 * 0.05 / 400))
    assert abs(errors.mean()) < 4 * errors.std() / np.sqrt(400)
    assert np.mean([each.standard_error for each in found]) == pytest.approx(errors.std(), rel=0.15)


def test_dr_needs_only_one_of_model_and_propensities_to_be_right() -> None:
    """With a model that says 0.9 of everything DM is far off and DR is not; with wrong propensities and the true model it is right, too."""
    wrong_logging = np.full((CONTEXTS, ACTIONS), 1 / ACTIONS)
    by_model = [estimate(_log(4000, seed), Estimator.DR).value for seed in range(40)]
    by_rates = _log(160_000, 1, model=RATES, logging=wrong_logging)

    assert np.mean(by_model) == pytest.approx(TRUTH, abs=0.01)
    assert estimate(_log(4000, 1), Estimator.DM).value == pytest.approx(0.9, abs=0.01)
    assert estimate(by_rates, Estimator.DR).value == pytest.approx(TRUTH, abs=0.01)
    assert abs(estimate(by_rates, Estimator.IPS).value - TRUTH) > 0.02


def test_a_right_model_makes_dr_more_certain_than_ips() -> None:
    """And DM with the truth as its model hits the truth."""
    log = _log(4000, 3, model=RATES)

    assert estimate(log, Estimator.DR).standard_error < 0.9 * estimate(log, Estimator.IPS).standard_error
    assert estimate(log, Estimator.DM).value == pytest.approx(TRUTH, abs=0.02)


def test_clipping_trades_bias_for_variance_and_says_how_much_it_clipped() -> None:
    """IPS falls, its error shrinks, effective samples rise."""
    log = _log(20_000, 5)

    plain, clipped = estimate(log, Estimator.IPS), estimate(log, Estimator.IPS, clip=1.5)

    weights = log.target / log.propensities
    assert clipped.value < plain.value
    assert clipped.standard_error < plain.standard_error
    assert clipped.effective_samples > plain.effective_samples
    assert clipped.clipped == (weights > 1.5).mean() > 0
    assert plain.clipped == 0.0
    assert plain.greatest_weight == clipped.greatest_weight == weights.max()


@given(data=st.data(), rows=st.integers(2, 30))
@settings(max_examples=60, deadline=None)
def test_the_logging_policy_itself_is_worth_the_mean_of_its_rewards(data, rows: int) -> None:
    """All weights are 1: IPS and SNIPS are the sample mean, with its standard error, and every row counts."""
    rewards = np.array(data.draw(st.lists(st.floats(0, 1), min_size=rows, max_size=rows)))
    propensities = np.array(data.draw(st.lists(st.floats(0.01, 1), min_size=rows, max_size=rows)))
    log = Log(rewards=rewards, propensities=propensities, target=propensities)

    for estimator in (Estimator.IPS, Estimator.SNIPS):
        found = estimate(log, estimator)
        assert found.value == pytest.approx(rewards.mean(), abs=1e-12)
        assert found.standard_error == pytest.approx(rewards.std(ddof=1) / np.sqrt(rows), abs=1e-12)
        assert found.effective_samples == pytest.approx(rows)
        assert found.has_support


@given(
    rewards=st.lists(st.floats(0, 1), min_size=2, max_size=20),
    shift=st.floats(-5, 5),
    seed=st.integers(0, 100),
)
@settings(max_examples=60, deadline=None)
def test_snips_moves_with_the_rewards_and_stays_among_them(rewards, shift: float, seed: int) -> None:
    """Adding a number to all rewards adds it to the estimate, which IPS does not do."""
    source = np.random.default_rng(seed)
    log = Log(
        rewards=np.array(rewards),
        propensities=source.uniform(0.1, 1, len(rewards)),
        target=source.uniform(0.1, 1, len(rewards)),
    )

    found = estimate(log, Estimator.SNIPS).value
    moved = estimate(replace(log, rewards=log.rewards + shift), Estimator.SNIPS).value

    assert moved == pytest.approx(found + shift, abs=1e-9)
    assert min(rewards) - 1e-12 <= found <= max(rewards) + 1e-12


def test_choices_that_the_log_never_shows_are_found_by_the_mean_weight() -> None:
    """Half of what the target chooses lies outside of the log."""
    log = _log(5000, 7)

    assert estimate(log, Estimator.IPS).has_support
    assert not estimate(replace(log, target=log.target / 2), Estimator.IPS).has_support


def test_rows_of_one_cluster_count_less_than_independent_ones() -> None:
    """Each row ten times: the error is that of a tenth of the rows, where the clusters are named."""
    log = _log(300, 9)
    tenfold = Log(
        rewards=np.repeat(log.rewards, 10),
        propensities=np.repeat(log.propensities, 10),
        target=np.repeat(log.target, 10),
    )

    alone = estimate(log, Estimator.SNIPS)
    blind = estimate(tenfold, Estimator.SNIPS)
    known = estimate(replace(tenfold, clusters=np.repeat(np.arange(300), 10)), Estimator.SNIPS)

    assert known.standard_error == pytest.approx(alone.standard_error)
    assert blind.standard_error == pytest.approx(alone.standard_error / np.sqrt(10), rel=0.01)


@pytest.mark.parametrize("propensity", [0.0, -0.1, 1.1, np.nan, np.inf])
def test_a_propensity_that_cannot_be_is_refused(propensity: float) -> None:
    """What was logged had a chance above 0."""
    log = _log(10, 1)
    log.propensities[3] = propensity

    with pytest.raises(UsageError, match="row 3 has a propensity of") as refused:
        estimate(log, Estimator.SNIPS)

    assert refused.value.code == "EXP103"


@pytest.mark.parametrize(
    ("change", "estimator", "code"),
    [
        ({"target": np.full(10, 1.5)}, Estimator.IPS, "EXP103"),
        ({"target": np.full(10, np.nan)}, Estimator.IPS, "EXP103"),
        ({"target": np.zeros(10)}, Estimator.SNIPS, "EXP103"),
        ({"rewards": np.full(10, np.nan)}, Estimator.IPS, "EXP102"),
        ({"modelled": None}, Estimator.DR, "EXP103"),
        ({"modelled_target": None}, Estimator.DM, "EXP103"),
        ({"modelled": np.full(10, np.inf)}, Estimator.DR, "EXP102"),
        ({"target": np.ones(9)}, Estimator.IPS, "EXP102"),
        ({"clusters": np.zeros(9, np.int64)}, Estimator.IPS, "EXP102"),
    ],
)
def test_a_log_that_says_too_little_is_refused(change, estimator: Estimator, code: str) -> None:
    """Each with its code."""
    with pytest.raises(UsageError) as refused:
        estimate(replace(_log(10, 1), **change), estimator)

    assert refused.value.code == code


def test_one_row_is_no_log() -> None:
    """It has no spread."""
    with pytest.raises(UsageError, match="1 rows are too few"):
        estimate(_log(1, 1), Estimator.IPS)


@pytest.mark.parametrize("clip", [0.0, -1.0, np.nan])
def test_a_bound_of_weights_that_is_none_is_refused(clip: float) -> None:
    """It would make everything nothing."""
    with pytest.raises(UsageError, match="cannot be clipped"):
        estimate(_log(10, 1), Estimator.IPS, clip=clip)


def test_effective_samples_are_those_of_kish() -> None:
    """One weight that is all counts as one row."""
    assert effective_samples(np.array([1.0, 0.0, 0.0])) == 1.0
    assert effective_samples(np.ones(7)) == 7.0
    assert effective_samples(np.zeros(3)) == 0.0
