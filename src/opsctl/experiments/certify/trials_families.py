"""Trials of what holds several tests together, of arms' sizes, of two experiments at once, and of interleaving."""

from dataclasses import dataclass

import numpy as np

from opsctl.experiments.book import Correction, Family
from opsctl.experiments.certify import populations
from opsctl.experiments.certify.model import Figure, Null, Planted, Promise
from opsctl.experiments.certify.promises import at_most, exact, rate
from opsctl.experiments.certify.trials_means import ALPHA, null_of
from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.distributions import two_sided_t
from opsctl.experiments.statistics.estimates import Estimate, estimate_mean
from opsctl.experiments.statistics.interaction import Cells, interaction_of
from opsctl.experiments.statistics.interleaving import interleaving_statistics, preference
from opsctl.experiments.statistics.methods import Method
from opsctl.experiments.statistics.moments import moments_of
from opsctl.experiments.statistics.multiplicity import Hypothesis, adjust
from opsctl.experiments.statistics.srm import SRM_ALPHA
from opsctl.experiments.statistics.srm_watch import log_bayes_factors, watch_split

_TESTS = 6
_REAL = 3
_WEIGHTS = {"control": 0.5, "one": 0.3, "two": 0.2}
_MANY_UNITS = 3000
_READERS, _SESSIONS = 400, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Families:
    """Six metrics at once.

    Holm: none has an effect, and any finding is false. Benjamini-Hochberg: three have one, and the false ones are counted
    as a share of what is found.
    """

    method: Method
    correction: Correction
    promises: tuple[Promise, ...] = at_most(coverage=False)

    def null(self, generator: np.random.Generator, replications: int) -> Null:
        """Test six metrics in each experiment."""
        family = Family(correction=self.correction)
        real = _REAL if self.correction is Correction.BENJAMINI_HOCHBERG else 0
        shares = np.empty(replications)
        for number in range(replications):
            z = generator.standard_normal(_TESTS)
            z[:real] += 3.0
            tests = [
                Hypothesis(metric=str(place), arm="treatment", p_value=two_sided_t(float(each), 1e6))
                for place, each in enumerate(z)
            ]
            found = {int(metric) for (metric, _), p in adjust(tests, family).items() if p <= ALPHA}
            false = sum(place >= real for place in found)
            shares[number] = false / len(found) if real and found else float(bool(false))
        return Null(found=shares)

    def planted(self, generator: np.random.Generator, replications: int) -> Planted | None:
        """Nothing is promised but the error rate."""
        del generator, replications
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """The sizes of three arms that got exactly what their weights give them, looked at after every single unit."""

    method: Method = Method.SRM
    promises: tuple[Promise, ...] = (
        *rate(SRM_ALPHA, is_cautious=True),
        Promise(figure=Figure.UNIFORMITY, low=0.001, high=None),
    )

    def null(self, generator: np.random.Generator, replications: int) -> Null:
        """Draw units by the weights; the p-values that must be uniform are those of the look when all are there."""
        runs = [self._run(generator) for _ in range(replications)]
        return Null(
            found=np.array([found for found, _ in runs], np.float64),
            p_values=np.array([p_value for _, p_value in runs]),
        )

    @staticmethod
    def _run(generator: np.random.Generator) -> tuple[bool, float]:
        """Return whether a mismatch was told after any unit or at the end, and p of the test at the end.

        All looks go through `log_bayes_factors` at once; the most telling one also goes through `watch_split` as a whole.
        """
        shares = np.array(list(_WEIGHTS.values()))
        drawn = generator.choice(len(shares), _MANY_UNITS, p=shares)
        counts = np.cumsum(np.eye(len(shares))[drawn], axis=0)
        worst = int(log_bayes_factors(counts, shares, planned=_MANY_UNITS).argmax())
        looks = [dict(zip(_WEIGHTS, counts[at].astype(int).tolist(), strict=True)) for at in (worst, -1)]
        watched = watch_split(looks, _WEIGHTS, planned=_MANY_UNITS, is_over=True)
        test = watched.split.test
        if isinstance(test, CannotTell):
            raise TypeError(f"a trial says nothing: {test.because}")
        return watched.is_mismatch, test.p_value

    def planted(self, generator: np.random.Generator, replications: int) -> Planted | None:
        """Nothing is promised but the error rate."""
        del generator, replications
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Interactions:
    """Two experiments at once, each with an effect, and none of both together."""

    method: Method = Method.INTERACTION
    promises: tuple[Promise, ...] = exact(power=False, lift=False)

    def null(self, generator: np.random.Generator, replications: int) -> Null:
        """Add both effects up, and nothing else."""
        p_values = np.array([self._run(generator, extra=0.0)[0] for _ in range(replications)])
        return null_of(p_values)

    def planted(self, generator: np.random.Generator, replications: int) -> Planted:
        """Add something to those that get both."""
        runs = [self._run(generator, extra=1.0) for _ in range(replications)]
        return Planted(
            found=np.array([p < ALPHA for p, _ in runs]), covered=np.array([holds for _, holds in runs])
        )

    @staticmethod
    def _run(generator: np.random.Generator, *, extra: float) -> tuple[float, bool]:
        def group(mean: float) -> Estimate | CannotTell:
            rates = generator.gamma(populations.SHAPE, mean / populations.SHAPE, populations.UNITS // 2)
            return estimate_mean(moments_of(generator.poisson(rates).astype(np.float64)))

        cells = Cells(neither=group(3.0), first=group(3.5), second=group(3.3), both=group(3.8 + extra))
        found = interaction_of(cells, alpha=ALPHA)
        if isinstance(found, CannotTell):
            raise TypeError(f"a trial says nothing: {found.because}")
        return found.p_value, extra in found.interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Interleaved:
    """Two rankings in one feed: readers with a taste of their own for either, which is even over all of them, or not."""

    method: Method = Method.INTERLEAVING
    promises: tuple[Promise, ...] = exact(power=False, lift=False)

    def null(self, generator: np.random.Generator, replications: int) -> Null:
        """Let readers choose who, all together, prefer neither."""
        p_values = np.array([self._run(generator, tilt=0.5)[0] for _ in range(replications)])
        return null_of(p_values)

    def planted(self, generator: np.random.Generator, replications: int) -> Planted:
        """Let readers choose who prefer the treatment."""
        runs = [self._run(generator, tilt=0.6) for _ in range(replications)]
        return Planted(
            found=np.array([p < ALPHA for p, _ in runs]), covered=np.array([holds for _, holds in runs])
        )

    @staticmethod
    def _run(generator: np.random.Generator, *, tilt: float) -> tuple[float, bool]:
        taste = generator.beta(8 * tilt, 8 * (1 - tilt), _READERS)
        readers = np.repeat(np.arange(_READERS), 1 + generator.poisson(_SESSIONS, _READERS))
        wins = (generator.random(len(readers)) < taste[readers]).astype(np.float64)
        found = preference(interleaving_statistics(readers, 1 - wins, wins), alpha=ALPHA)
        if isinstance(found, CannotTell):
            raise TypeError(f"a trial says nothing: {found.because}")
        return found.p_value, 2 * tilt - 1 in found.interval


def family_trials() -> tuple[Families | Sizes | Interactions | Interleaved, ...]:
    """Return these trials."""
    return (
        Families(method=Method.HOLM, correction=Correction.HOLM),
        Families(method=Method.BENJAMINI_HOCHBERG, correction=Correction.BENJAMINI_HOCHBERG),
        Sizes(),
        Interactions(),
        Interleaved(),
    )
