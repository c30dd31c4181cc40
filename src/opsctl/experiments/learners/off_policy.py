"""What would another policy have earned, as far as a log can tell: IPS, SNIPS, DM and DR, each with what can be said against it.

For a logged choice a in context x with propensity p, reward r, and the probability q with which the other policy chooses it,
the weight is w = q / p. Estimates of the mean reward:

- IPS: mean of w r (Horvitz and Thompson, 1952); unbiased, of high variance.
- SNIPS: sum of w r / sum of w (Swaminathan and Joachims, 2015); nearly unbiased, never outside of the rewards seen.
- DM: mean of what a model of rewards says of the other policy's choices; as good as the model, whose error no interval shows.
- DR: DM + mean of w (r - model) (Dudik et al., arXiv 1103.4601); right if either propensities or model are.

Clipping w at a bound lowers the variance and moves the estimate towards 0 (IPS) or the model (DR): the share of what was
clipped is part of the answer. Intervals are normal, by the law of large numbers: with few effective samples they are too
short, and `effective_samples` is what to look at first. Rows are taken as independent, but rows of one cluster.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from opsctl.core.errors import UsageError
from opsctl.experiments.learners.model import Flags, Floats, Ids

_Z = 1.959963984540054  # 97.5 % quantile of the normal distribution
_PROPENSITY_FIX = "estimate only from logs that say how probable each choice was"


class Estimator(StrEnum):
    """How a log is turned into an estimate."""

    IPS = "ips"
    SNIPS = "snips"
    DM = "dm"
    DR = "dr"


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """What was logged, n rows, and what the other policy would do with it.

    Args:
        rewards: shape (n,).
        propensities: shape (n,), of what was chosen, at the moment of the choice.
        target: shape (n,), the probability with which the other policy chooses the same.
        modelled: shape (n,), what a model says of the reward of what was chosen; needed by DM and DR.
        modelled_target: shape (n,), the model's mean over what the other policy would choose; needed by DM and DR. The model
            must not have been trained on the same rows.
        clusters: shape (n,), rows of one cluster depend on each other, such as those of one slate or one reader; None: none do.
    """

    rewards: Floats
    propensities: Floats
    target: Floats
    modelled: Floats | None = None
    modelled_target: Floats | None = None
    clusters: Ids | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """An estimate, and how far to trust it.

    Args:
        estimator: how.
        value: mean reward of the other policy.
        standard_error: of it; for DM without the error of the model.
        low: of the 95 % interval.
        high: of it.
        rows: n.
        effective_samples: (sum w)^2 / sum w^2: so many rows of the other policy itself would say as much, roughly.
        greatest_weight: the largest w before clipping.
        mean_weight: mean of w before clipping; 1 where the log has everything that the other policy would choose.
        has_support: False if the mean weight is below 1 by more than chance explains: the other policy chooses what the
            log hardly ever shows, of which then nothing is known.
        clipped: share of the rows whose weight was clipped.
    """

    estimator: Estimator
    value: float
    standard_error: float
    low: float
    high: float
    rows: int
    effective_samples: float
    greatest_weight: float
    mean_weight: float
    has_support: bool
    clipped: float


def estimate(log: Log, estimator: Estimator, *, clip: float | None = None) -> Estimate:
    """Return what the log says of the other policy's mean reward.

    Args:
        log: at least two rows.
        estimator: how.
        clip: greatest weight, above 0; None clips nothing.

    Raises:
        UsageError: EXP103 a propensity is 0 or none, or a probability is none; EXP102 other numbers are not finite, or shapes do
            not fit; EXP109 fewer than two rows.
    """
    check_log(log, needs_model=estimator in (Estimator.DM, Estimator.DR))
    if clip is not None and not clip > 0:
        raise UsageError(f"weights cannot be clipped at {clip}", code="EXP103", fix="give a number above 0")
    weights = log.target / log.propensities
    used = weights if clip is None else np.minimum(weights, clip)
    value, parts = _value(log, estimator, used)
    error = _standard_error(parts, log.clusters)
    mean_error = _standard_error((weights - weights.mean()) / len(weights), log.clusters)
    return Estimate(
        estimator=estimator,
        value=value,
        standard_error=error,
        low=value - _Z * error,
        high=value + _Z * error,
        rows=len(weights),
        effective_samples=effective_samples(used),
        greatest_weight=float(weights.max()),
        mean_weight=float(weights.mean()),
        has_support=bool(weights.mean() >= 1.0 - 3.0 * mean_error - 1e-9),
        clipped=float((weights > used).mean()),
    )


def effective_samples(weights: Floats) -> float:
    """Return (sum w)^2 / sum w^2 (Kish, 1965); 0 where all are 0."""
    squares = float(np.square(weights).sum())
    return float(weights.sum()) ** 2 / squares if squares > 0 else 0.0


def check_log(log: Log, *, needs_model: bool) -> None:
    """Refuse a log of which nothing can be estimated.

    Raises:
        UsageError: as `estimate` says.
    """
    rows = len(log.rewards)
    modelled = (log.modelled, log.modelled_target)
    parts = [log.rewards, log.propensities, log.target, *(each for each in modelled if each is not None)]
    if any(part.shape != (rows,) for part in parts) or (
        log.clusters is not None and len(log.clusters) != rows
    ):
        raise UsageError(
            f"{rows} rewards do not have one propensity, probability and model value each",
            code="EXP102",
            fix="give one number of each for every row",
        )
    if rows < 2:
        raise UsageError(f"{rows} rows are too few for an estimate", code="EXP109", fix="bring a longer log")
    if needs_model and None in [None if each is None else 0 for each in modelled]:
        raise UsageError(
            "DM and DR need what a model says of the rewards",
            code="EXP103",
            fix="use IPS or SNIPS without one",
        )
    is_bad = ~((log.propensities > 0) & (log.propensities <= 1))
    if is_bad.any():
        raise _bad_propensity(log.propensities, is_bad)
    if not ((log.target >= 0) & (log.target <= 1 + 1e-9)).all():
        raise UsageError(
            "a probability of the other policy is not from 0 to 1", code="EXP103", fix="mend the policy"
        )
    if not all(np.isfinite(part).all() for part in parts):
        raise UsageError(
            "a reward, or what the model says of it, is NaN or infinite",
            code="EXP102",
            fix="find out where it comes from: leaving rows out would bias the estimate",
        )


def _bad_propensity(propensities: Floats, is_bad: Flags) -> UsageError:
    row = int(is_bad.argmax())
    return UsageError(
        f"row {row} has a propensity of {propensities[row]}, and {int(is_bad.sum()) - 1} more rows are like it",
        code="EXP103",
        why="a choice that was logged had a probability above 0 and at most 1",
        fix=_PROPENSITY_FIX,
    )


def _value(log: Log, estimator: Estimator, weights: Floats) -> tuple[float, Floats]:
    """Return the estimate, and what each row adds to its error: their sum has the estimate's variance."""
    if estimator is Estimator.SNIPS:
        total = float(weights.sum())
        if not total > 0:
            raise UsageError(
                "the other policy never chooses what was logged",
                code="EXP103",
                fix="nothing can be estimated: bring a log whose choices it could make",
            )
        value = float((weights * log.rewards).sum()) / total
        return value, weights * (log.rewards - value) / total
    terms = _terms(log, estimator, weights)
    value = float(terms.mean())
    return value, (terms - value) / len(terms)


def _terms(log: Log, estimator: Estimator, weights: Floats) -> Floats:
    """Return terms whose mean is the estimate."""
    if log.modelled is None or log.modelled_target is None or estimator is Estimator.IPS:
        return weights * log.rewards
    corrected: Floats = weights * (log.rewards - log.modelled)
    return log.modelled_target if estimator is Estimator.DM else log.modelled_target + corrected


def _standard_error(parts: Floats, clusters: Ids | None) -> float:
    """Return the standard error of a sum of centred parts, by clusters where there are some."""
    sums = parts
    if clusters is not None:
        _, place = np.unique(clusters, return_inverse=True)
        sums = np.bincount(place.ravel(), weights=parts).astype(np.float64)
    count = len(sums)
    if count < 2:
        return math.nan
    return math.sqrt(float(np.square(sums).sum()) * count / (count - 1))
