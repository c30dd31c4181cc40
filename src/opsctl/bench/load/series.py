"""What are the blocks of a load run that a comparison draws from: stretches of time, long enough for a quantile."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opsctl.bench.load.histogram import Histogram, middle_of
from opsctl.bench.load.tally import Block, Tier

if TYPE_CHECKING:
    import numpy as np

MOST_GROUPS = 60
"""More would cost time and win nothing: the longer a group, the less it depends on its neighbour."""

_BEYOND = 5  # values that a group should have beyond a quantile for its own estimate of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One stretch of a run: what was planned in it, and what became of it."""

    seconds: float
    planned: int
    errors: int
    hits: int
    """Answers of L1, stale ones included."""
    named: int
    """Answers that name a tier."""
    response: Histogram


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """Units joined to equally long groups: one row a group, one column a slot that is in use on either side."""

    seconds: float
    counts: "np.ndarray"
    log_values: "np.ndarray"
    """Of each slot, the natural logarithm of its microseconds."""
    planned: "np.ndarray"
    errors: "np.ndarray"
    hits: "np.ndarray"
    named: "np.ndarray"

    @property
    def size(self) -> int:
        """Return the number of groups."""
        return len(self.planned)


def unit_of(block: Block, *, seconds: float) -> Unit:
    """Return what a comparison needs of a block of an engine."""
    named = sum(count for tier, count in block.tiers.items() if tier != Tier.NONE)
    hits = block.tiers.get(Tier.L1, 0) + block.tiers.get(Tier.STALE, 0)
    return Unit(
        seconds=seconds,
        planned=block.planned,
        errors=block.errors,
        hits=hits,
        named=named,
        response=block.response,
    )


def units_per_group(sides: Sequence[Sequence[Unit]], *, share: float | None) -> int:
    """Return how many units a group takes so that it carries a quantile, and at most `MOST_GROUPS` are made."""
    longest = max(len(side) for side in sides)
    fewest = math.ceil(longest / MOST_GROUPS)
    if share is None:
        return max(1, fewest)
    wanted = math.ceil(_BEYOND / min(share, 1 - share))
    per_unit = min(sum(unit.response.count for unit in side) / max(1, len(side)) for side in sides)
    return max(1, fewest, math.ceil(wanted / per_unit) if per_unit > 0 else longest)


def group_sides(
    first: Sequence[Unit], second: Sequence[Unit], *, units: int, even_lengths: bool
) -> tuple[Groups, Groups]:
    """Join units of both sides to groups over the same slots.

    Args:
        first: one side.
        second: the other side.
        units: of each group; what is left over at the end is dropped, since a short group weighs as much as a long one.
        even_lengths: drop what one side has more, so that groups can be paired by their place.
    """
    sizes = [len(side) // units for side in (first, second)]
    if even_lengths:
        sizes = [min(sizes)] * 2
    used = [side[: size * units] for side, size in zip((first, second), sizes, strict=True)]
    slots = _slots_in_use([unit for side in used for unit in side])
    return _grouped(used[0], units=units, slots=slots), _grouped(used[1], units=units, slots=slots)


def _slots_in_use(units: Sequence[Unit]) -> "np.ndarray":
    import numpy as np

    seen = [found.nonzero()[0] for unit in units if (found := unit.response.slots()) is not None]
    return np.unique(np.concatenate(seen)) if seen else np.empty(0, dtype=np.int64)


def _grouped(side: Sequence[Unit], *, units: int, slots: "np.ndarray") -> Groups:
    import numpy as np

    size = len(side) // units
    counts = np.zeros((size, slots.size), dtype=np.float64)
    for place, unit in enumerate(side):
        found = unit.response.slots()
        if found is not None:
            held = slots < found.size
            counts[place // units, held] += found[slots[held]]
    figures = np.array([(unit.planned, unit.errors, unit.hits, unit.named) for unit in side], dtype=float)
    planned, errors, hits, named = figures.reshape(size, units, 4).sum(axis=1).T
    return Groups(
        seconds=sum(unit.seconds for unit in side) / max(1, size),
        counts=counts,
        log_values=np.log(np.array([max(0.5, middle_of(int(slot))) for slot in slots])),
        planned=planned,
        errors=errors,
        hits=hits,
        named=named,
    )


def joined(units: Sequence[Unit]) -> Unit:
    """Return several units as one."""
    response = Histogram()
    for unit in units:
        response.merge(unit.response)
    return Unit(
        seconds=sum(unit.seconds for unit in units),
        planned=sum(unit.planned for unit in units),
        errors=sum(unit.errors for unit in units),
        hits=sum(unit.hits for unit in units),
        named=sum(unit.named for unit in units),
        response=response,
    )
