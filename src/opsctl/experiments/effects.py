"""How large is an effect that somebody writes down: `5%` of the control's value, `2pp` of a share, or `0.3` as it is."""

import math
import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

_LEAST, _MOST = 1e-12, 1e50
_FORM = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(%|pp)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """The size of a difference between two arms, never negative; a direction stands elsewhere.

    Args:
        size: a share of the control's value where `is_relative`, else in the metric's own unit.
    """

    size: float
    is_relative: bool

    def absolute(self, baseline: float) -> float:
        """Return the difference in the metric's own unit, where the control's value is `baseline`."""
        return self.size * abs(baseline) if self.is_relative else self.size

    def relative(self, baseline: float) -> float:
        """Return the difference as a share of the control's value; infinite where that is 0."""
        if self.is_relative:
            return self.size
        return self.size / abs(baseline) if baseline else math.inf


def parse_effect(text: str) -> Effect:
    """Read an effect.

    >>> parse_effect("5%")
    Effect(size=0.05, is_relative=True)
    >>> parse_effect("2pp")
    Effect(size=0.02, is_relative=False)

    Raises:
        ValueError: it is none, or nothing at all.
    """
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"`{text[:40]}` is no effect; write `5%`, `2pp` or `0.3`")
    number, unit = float(found[1]), found[2]
    if not number > 0:
        raise ValueError(f"`{text[:40]}` is no effect: it must be more than nothing")
    if not _LEAST <= number <= _MOST:
        raise ValueError(f"`{text[:40]}` is an effect that no experiment tells")
    return Effect(size=number / 100 if unit else number, is_relative=unit == "%")


def _as_text(value: object) -> object:
    """Accept a plain number: YAML reads `0.3` as one."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _checked(text: str) -> str:
    parse_effect(text)
    return text


EffectText = Annotated[str, BeforeValidator(_as_text), AfterValidator(_checked)]
"""Such as `5%` (of the control's value), `2pp` or `0.3` (in the metric's own unit)."""
