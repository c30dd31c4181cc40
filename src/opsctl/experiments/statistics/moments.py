"""What is kept of n units in place of their values: count, means, and co-moments about the means."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Sufficient statistics of k variables over n units.

    Variables by kind of metric: mean and proportion (y) or (y, x); ratio (y, d) or (y, d, x, e), where x and e are the
    same sums in the pre-period. Second moments are centred: raw sums of squares lose all digits at a mean of 1e8.

    Args:
        n: units.
        means: k means.
        comoments: k rows of k numbers, `sum_i (v_ia - mean_a)(v_ib - mean_b)`; symmetric.
    """

    n: int
    means: tuple[float, ...]
    comoments: tuple[tuple[float, ...], ...]

    @property
    def width(self) -> int:
        """Return k."""
        return len(self.means)

    def covariance(self, one: int, other: int) -> float:
        """Return the sample covariance (n - 1) of two variables; NaN for fewer than two units."""
        return self.comoments[one][other] / (self.n - 1) if self.n > 1 else float("nan")

    def variance(self, of: int = 0) -> float:
        """Return the sample variance (n - 1) of a variable; NaN for fewer than two units."""
        return self.covariance(of, of)

    def only(self, *columns: int) -> Self:
        """Return the moments of some of the variables, in this order."""
        return type(self)(
            n=self.n,
            means=tuple(self.means[column] for column in columns),
            comoments=tuple(tuple(self.comoments[row][column] for column in columns) for row in columns),
        )


def no_units(width: int) -> Moments:
    """Return the moments of nobody."""
    return Moments(n=0, means=(0.0,) * width, comoments=((0.0,) * width,) * width)


def moments_of(values: "Floats") -> Moments:
    """Return the moments of values, shape (n, k) or (n,).

    Raises:
        ValueError: a value is not finite: one such unit would spoil every mean.
    """
    import numpy as np

    table = np.asarray(values, dtype=np.float64)
    table = table[:, None] if table.ndim == 1 else table
    if not np.isfinite(table).all():
        raise ValueError("a value is NaN or infinite")
    if not len(table):
        return no_units(table.shape[1])
    means = table.mean(axis=0)
    centred = table - means
    # once more: a sum of a million equal numbers is off by 1e-11 of itself, and that would count as their spread
    rest = centred.mean(axis=0)
    means, centred = means + rest, centred - rest
    comoments = centred.T @ centred
    return Moments(
        n=len(table), means=tuple(means.tolist()), comoments=tuple(tuple(row) for row in comoments.tolist())
    )


def merge(parts: Iterable[Moments]) -> Moments:
    """Return the moments of all units of all parts (Chan, Golub, LeVeque 1979), whatever their order but for rounding.

    Raises:
        ValueError: there are no parts, or they are of different variables.
    """
    total: Moments | None = None
    for part in parts:
        total = part if total is None else _merged(total, part)
    if total is None:
        raise ValueError("there is nothing to merge")
    return total


def _merged(one: Moments, other: Moments) -> Moments:
    if one.width != other.width:
        raise ValueError(f"moments of {one.width} and of {other.width} variables do not merge")
    n = one.n + other.n
    if not one.n or not other.n:
        return one if one.n else other
    gaps = [b - a for a, b in zip(one.means, other.means, strict=True)]
    share, factor = other.n / n, one.n * other.n / n
    return Moments(
        n=n,
        means=tuple(mean + gap * share for mean, gap in zip(one.means, gaps, strict=True)),
        comoments=tuple(
            tuple(
                a + b + gaps[row] * gaps[column] * factor
                for column, (a, b) in enumerate(zip(first, second, strict=True))
            )
            for row, (first, second) in enumerate(zip(one.comoments, other.comoments, strict=True))
        ),
    )
