"""Off-policy estimates on a real log whose truth was measured: two policies were tested against each other in the same week.

Open Bandit Dataset, campaign "Men"; see tests/data/open_bandit/README.md. What Thompson sampling earned was logged; what it
would have earned is estimated from the log of the random policy, and the other way round.
"""

import csv
import gzip
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from opsctl.experiments.learners.model import Floats, Ids
from opsctl.experiments.learners.off_policy import Estimate, Estimator, Log, estimate

FOLDER = Path(__file__).parents[2] / "data" / "open_bandit"
ITEMS, POSITIONS = 34, 3
Rows = tuple[Ids, Ids, Floats, Floats]


@cache
def _rows(policy: str) -> Rows:
    """Return items, positions from 0, clicks and propensities."""
    with gzip.open(FOLDER / f"{policy}_men.csv.gz", "rt", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    items, positions = (np.array([int(row[name]) for row in rows]) for name in ("item_id", "position"))
    clicks, propensities = (
        np.array([float(row[name]) for row in rows]) for name in ("click", "propensity_score")
    )
    return items, positions - 1, clicks, propensities


def _by_counts(rows: Rows) -> Floats:
    """Return how often each item stood at each position, shape (positions, items)."""
    items, positions, _, _ = rows
    counts = np.zeros((POSITIONS, ITEMS))
    np.add.at(counts, (positions, items), 1.0)
    shares: Floats = counts / counts.sum(axis=1, keepdims=True)
    return shares


def _by_propensities(rows: Rows) -> Floats:
    """Return the mean probability of each item at each position, by the logged ones alone.

    The sum of 1 / p over the rows in which an item stood there is about the number of all rows, whatever the item; rows by that
    sum are its mean probability.
    """
    items, positions, _, propensities = rows
    counts, inverse = np.zeros((POSITIONS, ITEMS)), np.zeros((POSITIONS, ITEMS))
    np.add.at(counts, (positions, items), 1.0)
    np.add.at(inverse, (positions, items), 1.0 / propensities)
    mean = np.divide(counts, inverse, out=np.zeros_like(counts), where=inverse > 0)
    scaled: Floats = mean / mean.sum(axis=1, keepdims=True)
    return scaled


def _truth(rows: Rows) -> tuple[float, float]:
    """Return what a policy earned, and its standard error."""
    clicks = rows[2]
    return float(clicks.mean()), float(clicks.std(ddof=1) / np.sqrt(len(clicks)))


def _crossed(rows: Rows, target: Floats, estimator: Estimator) -> Estimate:
    """Return an estimate with a reward model of items at positions, trained on the other half of the rows."""
    items, positions, clicks, propensities = rows
    halves = np.arange(len(items)) % 2
    modelled, modelled_target = np.empty(len(items)), np.empty(len(items))
    for half in (0, 1):
        taught, other = halves != half, halves == half
        sums, counts = np.zeros((POSITIONS, ITEMS)), np.zeros((POSITIONS, ITEMS))
        np.add.at(sums, (positions[taught], items[taught]), clicks[taught])
        np.add.at(counts, (positions[taught], items[taught]), 1.0)
        model = (sums + 100 * clicks[taught].mean()) / (counts + 100)
        modelled[other] = model[positions[other], items[other]]
        modelled_target[other] = (target * model).sum(axis=1)[positions[other]]
    log = Log(
        rewards=clicks,
        propensities=propensities,
        target=target[positions, items],
        modelled=modelled,
        modelled_target=modelled_target,
    )
    return estimate(log, estimator)


def test_the_fixtures_are_what_their_readme_says() -> None:
    """10,000 rows each; the random policy is even, Thompson sampling is not; small enough to be kept in a repository."""
    for policy in ("random", "bts"):
        items, positions, _, propensities = _rows(policy)
        assert len(items) == 10_000
        assert set(items.tolist()) == set(range(ITEMS))
        assert set(positions.tolist()) == {0, 1, 2}
        assert (FOLDER / f"{policy}_men.csv.gz").stat().st_size < 150_000
        assert (np.unique(propensities).size == 1) == (policy == "random")
    assert _truth(_rows("random"))[0] == 0.0046
    assert _truth(_rows("bts"))[0] == 0.0069


@pytest.mark.parametrize("estimator", [Estimator.IPS, Estimator.SNIPS, Estimator.DR])
@pytest.mark.parametrize("distribution", [_by_counts, _by_propensities])
def test_what_thompson_sampling_earned_lies_in_the_interval_of_its_estimate(estimator, distribution) -> None:
    """From the random log alone: 0.57 % (0.29 to 0.85 %) against 0.69 % that were measured, with 2,900 effective samples."""
    truth, error = _truth(_rows("bts"))

    found = _crossed(_rows("random"), distribution(_rows("bts")), estimator)

    assert found.low < truth < found.high
    assert abs(found.value - truth) < 2 * np.hypot(found.standard_error, error)
    assert 2_500 < found.effective_samples < 3_500
    assert found.greatest_weight < 10
    assert found.has_support


@pytest.mark.parametrize("estimator", [Estimator.IPS, Estimator.SNIPS, Estimator.DR])
def test_what_the_random_policy_earned_is_estimated_less_surely_from_thompson_samplings_log(
    estimator,
) -> None:
    """Rare items have weights of up to 178: of 10,000 rows hardly more than 650 count. The truth is within three errors."""
    truth, error = _truth(_rows("random"))

    found = _crossed(_rows("bts"), np.full((POSITIONS, ITEMS), 1 / ITEMS), estimator)

    assert abs(found.value - truth) < 3 * np.hypot(found.standard_error, error)
    assert 500 < found.effective_samples < 800
    assert found.greatest_weight > 150


def test_wrong_propensities_are_betrayed_by_the_mean_weight() -> None:
    """As if ten items and not 34 had been shown evenly: the log then seems to lack most of what the target chooses."""
    items, positions, clicks, propensities = _rows("random")
    log = Log(
        rewards=clicks, propensities=propensities * 3.4, target=_by_counts(_rows("bts"))[positions, items]
    )

    found = estimate(log, Estimator.IPS)

    assert found.mean_weight == pytest.approx(0.29, abs=0.02)
    assert not found.has_support
    assert found.high < _truth(_rows("bts"))[0]


def test_each_policy_is_worth_to_its_own_log_what_it_earned() -> None:
    """With its own propensities as target all weights are 1."""
    for policy in ("random", "bts"):
        _, _, clicks, propensities = _rows(policy)
        found = estimate(Log(rewards=clicks, propensities=propensities, target=propensities), Estimator.SNIPS)
        assert (found.value, found.standard_error) == pytest.approx(_truth(_rows(policy)))
