"""How does throughput grow with workers, and where does it stop: the Universal Scalability Law, fitted.

X(N) = lambda N / (1 + sigma (N - 1) + kappa N (N - 1)): sigma is contention (what must queue), kappa coherency (what
must be agreed on pairwise). Source: Gunther, Guerrilla Capacity Planning (2007), chapter 4.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from opsctl.core.errors import InconclusiveError

if TYPE_CHECKING:
    import numpy as np

FEWEST_COUNTS = 3
_SEED = 20_070_101


@dataclass(frozen=True, slots=True, kw_only=True)
class Throughput:
    """What a number of workers was measured to hold, and between what bounds."""

    workers: int
    rate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A parameter with its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalabilityLaw:
    """A fit of the law."""

    rate_of_one: Fitted
    """lambda: requests a second of one worker."""
    contention: Fitted
    """sigma."""
    coherency: Fitted
    """kappa."""
    peak_workers: float | None
    """More of them make it slower; None where it never turns (kappa = 0)."""
    peak_low: float | None
    residual: float
    """Root mean square of the relative errors of the fit."""
    resamples: "tuple[tuple[float, float, float], ...]" = ()
    """Fits to bootstrap resamples, from which other figures get their intervals."""

    def rate_at(self, workers: float) -> Fitted:
        """Return the throughput of a number of workers."""
        own = (self.rate_of_one.value, self.contention.value, self.coherency.value)
        values = sorted(rate_of(each, workers) for each in self.resamples)
        low, high = _bounds(values) if values else (math.nan, math.nan)
        return Fitted(value=rate_of(own, workers), low=low, high=high)

    def workers_for(self, rate: float) -> int | None:
        """Return the fewest workers that hold a rate; None where no number of them does."""
        return _fewest((self.rate_of_one.value, self.contention.value, self.coherency.value), rate)

    def most_workers_for(self, rate: float) -> int | None:
        """Return the fewest workers that hold a rate at the worst end of every parameter; None where no number does."""
        return _fewest((self.rate_of_one.low, self.contention.high, self.coherency.high), rate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Efficiency:
    """What two worker counts say: how much of a perfect growth was reached."""

    fewer: int
    more: int
    ratio: float
    low: float
    high: float


def fit_law(
    points: Sequence[Throughput], *, resamples: int = 1000, confidence: float = 0.95
) -> ScalabilityLaw:
    """Fit the law by least squares of relative errors, sigma and kappa not below 0.

    The bootstrap draws each point log-uniformly within its own bounds and adds a resampled residual of the fit, so
    that both the search's interval and the law's misfit widen the result.

    Raises:
        InconclusiveError: BEN071 for fewer than three worker counts, which any such curve passes through.
        ValueError: for counts or rates that are not above 0.
    """
    import numpy as np

    counts = {point.workers for point in points}
    if len(counts) < FEWEST_COUNTS:
        raise InconclusiveError(
            f"{len(counts)} worker counts do not determine a law of three parameters",
            code="BEN071",
            fix="measure at least three, such as --workers 1,2,4",
        )
    if any(point.workers < 1 or not 0 < point.low <= point.rate <= point.high for point in points):
        raise ValueError("workers and rates must lie above 0, each rate within its bounds")
    workers = np.array([point.workers for point in points], dtype=float)
    rates = np.array([point.rate for point in points])
    best = _fit(workers, rates)
    fitted = np.array([rate_of(best, each) for each in workers])
    residuals = np.log(rates / fitted)
    freedom = max(1, len(points) - FEWEST_COUNTS)
    spread = residuals * math.sqrt(len(points) / freedom) if len(points) > FEWEST_COUNTS else residuals * 0
    random = np.random.default_rng(_SEED)
    lows, highs = (np.log([getattr(point, name) for point in points]) for name in ("low", "high"))
    draws = []
    for _ in range(resamples):
        drawn = random.uniform(lows - np.log(rates), highs - np.log(rates)) + random.choice(
            spread, len(points)
        )
        draws.append(_fit(workers, rates * np.exp(drawn)))
    columns = [sorted(draw[place] for draw in draws) for place in range(3)]
    named = [
        Fitted(value=value, low=min(low, value), high=max(high, value))
        for value, (low, high) in zip(best, (_bounds(column, confidence) for column in columns), strict=True)
    ]
    peaks = sorted(_peak(draw) for draw in draws)
    peak = _peak(best)
    return ScalabilityLaw(
        rate_of_one=named[0],
        contention=named[1],
        coherency=named[2],
        peak_workers=peak if math.isfinite(peak) else None,
        peak_low=low if math.isfinite(low := _bounds(peaks, confidence)[0]) else None,
        residual=float(np.sqrt(np.mean((rates / fitted - 1) ** 2))),
        resamples=tuple(draws),
    )


def efficiency(points: Sequence[Throughput]) -> Efficiency | None:
    """Return how the most workers compare with the fewest, times perfect growth; None for a single count."""
    ordered = sorted(points, key=lambda point: point.workers)
    if len(ordered) < 2 or ordered[0].workers == ordered[-1].workers:
        return None
    first, last = ordered[0], ordered[-1]
    scale = first.workers / last.workers
    return Efficiency(
        fewer=first.workers,
        more=last.workers,
        ratio=last.rate / first.rate * scale,
        low=last.low / first.high * scale,
        high=last.high / first.low * scale,
    )


def rate_of(parameters: tuple[float, float, float], workers: float) -> float:
    """Return X(N) of (lambda, sigma, kappa).

    >>> rate_of((1000.0, 0.0, 0.0), 4)
    4000.0
    """
    rate, contention, coherency = parameters
    return rate * workers / (1 + contention * (workers - 1) + coherency * workers * (workers - 1))


def _fit(workers: "np.ndarray", rates: "np.ndarray") -> tuple[float, float, float]:
    """Return lambda, sigma, kappa: N/X = a + b (N-1) + c N (N-1) is linear, and its relative error is that of X.

    The best of all subsets of parameters that come out non-negative is the constrained optimum, since the problem is
    convex and there are only four subsets.
    """
    import numpy as np

    target = workers / rates
    columns = (
        np.stack([np.ones_like(workers), workers - 1, workers * (workers - 1)], axis=1) / target[:, None]
    )
    best, least = (float(np.median(rates / workers)), 0.0, 0.0), math.inf
    for size in range(3):
        for extra in combinations((1, 2), size):
            chosen = [0, *extra]
            found, *_ = np.linalg.lstsq(columns[:, chosen], np.ones(len(workers)), rcond=None)
            if found[0] <= 0 or (found < -1e-15).any():
                continue
            error = float(((columns[:, chosen] @ found - 1) ** 2).sum())
            if error < least - 1e-15:
                whole = dict(zip(chosen, found, strict=True))
                least = error
                best = (
                    1 / found[0],
                    max(0.0, whole.get(1, 0.0)) / found[0],
                    max(0.0, whole.get(2, 0.0)) / found[0],
                )
    return tuple(float(each) for each in best)  # type: ignore[return-value]  # three of them


def _peak(parameters: tuple[float, float, float]) -> float:
    _, contention, coherency = parameters
    if coherency <= 1e-12:
        return math.inf
    return math.sqrt(max(0.0, 1 - contention) / coherency) if contention < 1 else 1.0


def _fewest(parameters: tuple[float, float, float], rate: float) -> int | None:
    """Return the fewest whole workers with X(N) >= rate, found up to the peak, where the law begins to fall."""
    peak = _peak(parameters)
    last = 1_000_000 if math.isinf(peak) else max(1, math.ceil(peak))
    if rate_of(parameters, last) < rate and rate_of(parameters, max(1, math.floor(min(peak, last)))) < rate:
        return None
    low, high = 1, last
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if rate_of(parameters, middle) >= rate else (middle + 1, high)
    return low


def _bounds(ordered: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    tail = (1 - confidence) / 2
    last = len(ordered) - 1
    return ordered[math.floor(tail * last)], ordered[math.ceil((1 - tail) * last)]
