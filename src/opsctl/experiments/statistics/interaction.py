"""Do two concurrent experiments change each other's effect: what both treatments do together, beyond the sum of each."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.comparison import welch
from opsctl.experiments.statistics.distributions import check_alpha, t_quantile, two_sided_t
from opsctl.experiments.statistics.estimates import Estimate, Interval
from opsctl.experiments.statistics.multiplicity import holm

Pair = tuple[str, str]
"""Two experiments, or two arms of them, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """The four groups that two experiments of two arms make of the units that are in both.

    Args:
        neither: the control of both.
        first: the treatment of the first, the control of the second.
        second: the other way round.
        both: the treatment of both.
    """

    neither: Estimate | CannotTell
    first: Estimate | CannotTell
    second: Estimate | CannotTell
    both: Estimate | CannotTell


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """By how much the effect of the one is different under the treatment of the other: `(y11 - y10) - (y01 - y00)`."""

    value: float
    error: float
    degrees_of_freedom: float
    p_value: float
    interval: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Screened:
    """A pair among many.

    Args:
        interaction: as it is by itself, or why nothing can be told.
        adjusted_p: by Holm over all pairs; 1 where nothing can be told.
        is_found: the two must not be read apart.
    """

    interaction: Interaction | CannotTell
    adjusted_p: float
    is_found: bool


def interaction_of(cells: Cells, *, alpha: float = 0.05) -> Interaction | CannotTell:
    """Return the interaction of two experiments, its variance the sum of those of the four groups."""
    check_alpha(alpha)
    groups = (cells.both, cells.first, cells.second, cells.neither)
    known = [group for group in groups if isinstance(group, Estimate)]
    if len(known) < 4:
        reason = next(group for group in groups if isinstance(group, CannotTell))
        return CannotTell(
            code="EXP092", because=f"of the four groups of both, one says nothing: {reason.because}"
        )
    variances = tuple(group.variance for group in known)
    if not sum(variances):
        return CannotTell(code="EXP082", because="no unit differs from another in any group")
    value = known[0].value - known[1].value - known[2].value + known[3].value
    error, freedom = (
        math.sqrt(sum(variances)),
        welch(variances, tuple(group.degrees_of_freedom for group in known)),
    )
    width = t_quantile(1 - alpha / 2, freedom) * error
    return Interaction(
        value=value,
        error=error,
        degrees_of_freedom=freedom,
        p_value=two_sided_t(value / error, freedom),
        interval=Interval(low=value - width, high=value + width),
    )


def screen(pairs: Mapping[Pair, Cells], *, alpha: float = 0.05) -> dict[Pair, Screened]:
    """Return the interaction of each pair, all of them held together to one error rate by Holm."""
    found = {pair: interaction_of(cells, alpha=alpha) for pair, cells in pairs.items()}
    plain = [1.0 if isinstance(each, CannotTell) else each.p_value for each in found.values()]
    return {
        pair: Screened(interaction=each, adjusted_p=adjusted, is_found=adjusted <= alpha)
        for (pair, each), adjusted in zip(found.items(), holm(plain), strict=True)
    }
