"""Trials of metrics whose shape is cut: quantiles of events, and values that are cut off at a cap."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from opsctl.experiments.certify import populations
from opsctl.experiments.certify.model import Floats, Null, Planted, Promise
from opsctl.experiments.certify.promises import exact
from opsctl.experiments.certify.trials_means import Truth, compared_or_fail, null_of, planted_of
from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.comparison import Comparison
from opsctl.experiments.statistics.distributions import normal_quantile
from opsctl.experiments.statistics.estimates import Estimate, estimate_mean, estimate_ratio
from opsctl.experiments.statistics.methods import Method
from opsctl.experiments.statistics.moments import moments_of
from opsctl.experiments.statistics.quantile import estimate_quantile, quantile_statistics
from opsctl.experiments.statistics.winsorise import pooled_cap, winsorised

_LEVEL = 0.9
_OF_READERS, _OF_EVENTS = 0.4, 0.5
"""Standard deviations of the logarithm of a latency: between readers, and between events of one reader."""
_CAP_LEVEL = 0.99


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantiles:
    """The 90 % quantile of latencies: log-normal, those of one reader alike."""

    method: Method = Method.QUANTILE
    promises: tuple[Promise, ...] = exact()
    factor: float = 1.08

    def null(self, generator: np.random.Generator, replications: int) -> Null:
        """Compare two arms that are alike."""
        compared = [self._compare(generator, factor=1.0) for _ in range(replications)]
        return null_of(np.array([each.p_value for each in compared]))

    def planted(self, generator: np.random.Generator, replications: int) -> Planted:
        """Compare an arm with one whose latencies are all longer by a known factor."""
        compared = [self._compare(generator, factor=self.factor) for _ in range(replications)]
        value = float(np.exp(normal_quantile(_LEVEL) * np.hypot(_OF_READERS, _OF_EVENTS)))
        truth = Truth(value=value, factor=self.factor)
        return planted_of(compared, difference=value * (self.factor - 1), truth=truth)

    def _compare(self, generator: np.random.Generator, *, factor: float) -> Comparison:
        return compared_or_fail(
            {"control": self._arm(generator, factor=1.0), "treatment": self._arm(generator, factor=factor)}
        )

    @staticmethod
    def _arm(generator: np.random.Generator, *, factor: float) -> Estimate | CannotTell:
        events = 1 + generator.poisson(populations.SESSIONS, populations.UNITS)
        readers = np.repeat(np.arange(populations.UNITS), events)
        alike = generator.normal(0, _OF_READERS, populations.UNITS)[readers]
        values = factor * np.exp(alike + generator.normal(0, _OF_EVENTS, len(readers)))
        statistics = quantile_statistics(values, readers, level=_LEVEL)
        return statistics if isinstance(statistics, CannotTell) else estimate_quantile(statistics)


@dataclass(frozen=True, slots=True, kw_only=True)
class CutOff:
    """Counts with a long tail, or their ratio to sessions, cut off at the 99 % quantile of both arms together.

    Cutting off changes what is measured; the interval has to hold the difference of what is left at that very cap.
    """

    method: Method
    promises: tuple[Promise, ...] = exact(lift=False)
    factor: float = 1.15

    def null(self, generator: np.random.Generator, replications: int) -> Null:
        """Compare two arms that are alike."""
        compared = [self._compare(generator, factor=1.0)[0] for _ in range(replications)]
        return null_of(np.array([each.p_value for each in compared]))

    def planted(self, generator: np.random.Generator, replications: int) -> Planted:
        """Compare an arm with one whose counts are greater by a known factor before they are cut off."""
        pairs = [self._compare(generator, factor=self.factor) for _ in range(replications)]
        compared = [each for each, _ in pairs]
        left = self._left(generator)
        truths = [left[self.factor][cap] - left[1.0][cap] for _, cap in pairs]
        usual = Truth(value=left[1.0][pairs[0][1]], factor=self.factor)
        planted = planted_of(compared, difference=float(np.mean(truths)), truth=usual)
        covered = [truth in each.interval for truth, each in zip(truths, compared, strict=True)]
        return Planted(found=planted.found, covered=np.array(covered), promised_power=planted.promised_power)

    @property
    def _is_ratio(self) -> bool:
        return self.method is Method.WINSORISED_RATIO

    def _compare(self, generator: np.random.Generator, *, factor: float) -> tuple[Comparison, int]:
        arms = [self._values(generator, factor=each) for each in (1.0, factor)]
        cap = pooled_cap(np.concatenate([arm[:, 0] for arm in arms]), level=_CAP_LEVEL)
        if isinstance(cap, CannotTell):
            raise TypeError(f"a trial says nothing: {cap.because}")
        estimates = [
            self._estimate(np.column_stack([winsorised(arm[:, 0], cap), arm[:, 1:]])) for arm in arms
        ]
        return compared_or_fail(dict(zip(("control", "treatment"), estimates, strict=True))), int(cap.value)

    def _values(
        self, generator: np.random.Generator, *, factor: float, units: int = populations.UNITS
    ) -> Floats:
        """Return counts of a log-normal rate, and of a ratio the sessions, shape (n, 1) or (n, 2)."""
        rates = np.exp(generator.normal(0.5, 1.0, units))
        counts = generator.poisson(factor * rates).astype(np.float64)
        if not self._is_ratio:
            return counts[:, None]
        return np.column_stack([counts, 1.0 + generator.poisson(np.sqrt(rates))])

    def _estimate(self, values: Floats) -> Estimate | CannotTell:
        moments = moments_of(values)
        return estimate_ratio(moments) if self._is_ratio else estimate_mean(moments)

    def _left(self, generator: np.random.Generator) -> dict[float, Sequence[float]]:
        """Return what is left of the mean (or ratio) at each whole cap, from four million units."""
        left: dict[float, Sequence[float]] = {}
        for factor in (1.0, self.factor):
            values = self._values(generator, factor=factor, units=4_000_000)
            tail = np.bincount(values[:, 0].astype(np.int64), minlength=200)
            # E[min(X, c)] = sum over k < c of P(X > k)
            means = np.concatenate([[0.0], np.cumsum(1 - np.cumsum(tail) / len(values))])
            left[factor] = (means / (values[:, 1].mean() if self._is_ratio else 1.0)).tolist()
        return left
