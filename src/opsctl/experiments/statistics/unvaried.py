"""What can be shown where no unit differs from another: how many units can be affected at all, exactly.

Where every unit of both arms has one and the same value, there is no variance to test with. But of n treated units that are
all as they should be, a share q of affected ones would have left none with a probability of (1 - q)^n (Clopper, Pearson
1934), whatever being affected does to a value. As units come the statement can only be reached once, so it holds at any look.
"""

import math
from dataclasses import dataclass

from opsctl.experiments.effects import Effect
from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.distributions import LEAST_P, check_alpha

NOTHING_HAPPENED = CannotTell(
    code="EXP097", because="nobody in either arm had any of its events; see whether the service writes them"
)
NO_SHARE = CannotTell(
    code="EXP098",
    because="every unit has 0, and a margin in the metric's own unit is no share of units; write it as `2%`",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unvaried:
    """Two arms whose units all have the same value.

    Args:
        value: of every unit.
        treated: units of the treatment.
        units: of both arms.
    """

    value: float
    treated: int
    units: int

    def p_value(self, share: float) -> float:
        """Return how likely no treated unit is affected, where this share of all would be."""
        _check_share(share)
        return max(math.exp(self.treated * math.log1p(-share)) if share < 1 else 0.0, LEAST_P)

    def most_affected(self, *, alpha: float) -> float:
        """Return the share of units that are affected at most, one-sided at alpha."""
        check_alpha(alpha)
        return -math.expm1(math.log(alpha) / self.treated) if self.treated else 1.0

    def share_of(self, margin: Effect, *, is_share: bool) -> float | None:
        """Return a margin as a share of units; None where nobody can say, as of `0.3 clicks` where all have 0.

        Of a proportion a margin in points is one. A relative margin is read as one: harm that touches no more units than
        the share by which the value may fall.
        """
        if margin.is_relative or is_share:
            share = margin.size
        elif self.value:
            share = margin.relative(self.value)
        else:
            return None
        return min(share, 1.0)


def units_needed(share: float, *, alpha: float) -> int:
    """Return how many treated units, none affected, show that fewer than this share are."""
    check_alpha(alpha)
    _check_share(share)
    return math.ceil(math.log(alpha) / math.log1p(-share) - 1e-9) if share < 1 else 1


def _check_share(share: float) -> None:
    if not 0 < share <= 1:
        raise ValueError(f"a share of units lies above 0 and up to 1, got {share}")
