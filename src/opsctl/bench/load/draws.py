"""Which user, endpoint or item is arrival i: random numbers that depend on the seed and on i, and on nothing else."""

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

_GOLDEN = 0x9E3779B97F4A7C15


def uniform(arrivals: "np.ndarray", *, seed: int, stream: int) -> "np.ndarray":
    """Return a number in [0, 1) for each arrival; each stream of one seed is independent of the others.

    SplitMix64 (Steele, Lea and Flood 2014) as a counter-based generator: any arrival is drawn without those before it,
    so processes that share the arrivals agree on each.
    """
    import numpy as np

    start = np.uint64(_mixed(seed * 0x1_0000 + stream))
    with np.errstate(over="ignore"):
        state = start + (arrivals.astype(np.uint64) + np.uint64(1)) * np.uint64(_GOLDEN)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state ^= state >> np.uint64(31)
    shares: np.ndarray = (state >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return shares


class Zipf:
    """Numbers 1 to `count`, that of rank r with weight 1 / r**exponent; the seed says who has which rank."""

    def __init__(self, *, count: int, exponent: float, seed: int) -> None:
        self._bounds = _bounds(count, exponent)
        self._by_rank = _by_rank(count, seed)

    def of(self, shares: "np.ndarray") -> "np.ndarray":
        """Return the number that each share in [0, 1) stands for."""
        import numpy as np

        return np.asarray(self._by_rank[np.searchsorted(self._bounds, shares, side="right")])


def chosen(shares: "np.ndarray", weights: "list[float]") -> "np.ndarray":
    """Return for each share in [0, 1) the place of the weight that it falls on."""
    import numpy as np

    bounds = np.cumsum(np.asarray(weights, dtype=np.float64))
    return np.searchsorted(bounds[:-1] / bounds[-1], shares, side="right")


def _mixed(number: int) -> int:
    """Return 64 well mixed bits of any whole number."""
    import hashlib

    size = max(8, (number.bit_length() + 7) // 8)
    return int.from_bytes(hashlib.sha256(number.to_bytes(size, "little")).digest()[:8], "little")


@lru_cache(maxsize=4)
def _bounds(count: int, exponent: float) -> "np.ndarray":
    """Return the inner bounds of the ranks in [0, 1): what falls beyond the last belongs to the last rank."""
    import numpy as np

    weights = np.cumsum(np.arange(1, count + 1, dtype=np.float64) ** -exponent)
    return np.asarray(weights[:-1] / weights[-1])


@lru_cache(maxsize=4)
def _by_rank(count: int, seed: int) -> "np.ndarray":
    import numpy as np

    keys = uniform(np.arange(count), seed=seed, stream=0xFFFF)
    return np.argsort(keys, kind="stable") + 1
