"""How many of several findings are chance: p-values adjusted within the families that a book declares."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from opsctl.experiments.book import Correction, Family, Scope
from opsctl.experiments.statistics.distributions import check_alpha

Key = tuple[str, str]
"""Metric and arm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """One question of a role: does this arm differ in this metric.

    Args:
        metric: its name.
        arm: the treatment.
        p_value: as it is by itself; None where nothing could be told, which counts as 1 in its family: families are
            declared before the start, so a metric without data does not make the others look better.
    """

    metric: str
    arm: str
    p_value: float | None


def adjust(tests: Sequence[Hypothesis], family: Family) -> dict[Key, float]:
    """Return the adjusted p-values of all tests of one role that have a p-value, by (metric, arm).

    Raises:
        ValueError: a test is there twice, or a p-value is none.
    """
    # in the order of the tests, whatever the families
    adjusted = {(test.metric, test.arm): test.p_value for test in tests if test.p_value is not None}
    for members in _families(tests, family.scope).values():
        plain = [1.0 if test.p_value is None else test.p_value for test in members]
        for test, p_value in zip(members, _adjusted(plain, family.correction), strict=True):
            if test.p_value is not None:
                adjusted[test.metric, test.arm] = p_value
    return adjusted


def interval_alphas(tests: Sequence[Hypothesis], family: Family, *, alpha: float) -> dict[Key, float]:
    """Return the alpha at which each test's interval keeps the family's promise.

    Holm: alpha / m, so that all m intervals hold at once (Bonferroni). No simple intervals fit Holm's later steps, so an
    interval may hold 0 although Holm finds an effect; it is honest, and a little wide. Benjamini-Hochberg: alpha R / m
    where R of m are found, so that of the intervals of what was found at most a share alpha is wrong (Benjamini,
    Yekutieli 2005). Without correction: alpha.
    """
    check_alpha(alpha)
    found = {key for key, p_value in adjust(tests, family).items() if p_value <= alpha}
    alphas: dict[Key, float] = {}
    for members in _families(tests, family.scope).values():
        keys = [(test.metric, test.arm) for test in members]
        share = _share(family.correction, tests=len(keys), found=sum(key in found for key in keys))
        alphas |= dict.fromkeys(keys, alpha * share)
    return alphas


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return p-values adjusted by Holm (1979): any false finding at all has a probability of at most alpha."""
    _check(p_values)
    count, greatest = len(p_values), 0.0
    adjusted = [0.0] * count
    for rank, place in enumerate(sorted(range(count), key=p_values.__getitem__)):
        greatest = max(greatest, min(1.0, (count - rank) * p_values[place]))
        adjusted[place] = greatest
    return tuple(adjusted)


def benjamini_hochberg(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return p-values adjusted by Benjamini and Hochberg (1995): the expected share of false findings is at most alpha."""
    _check(p_values)
    count, least = len(p_values), 1.0
    adjusted = [0.0] * count
    for rank, place in enumerate(sorted(range(count), key=p_values.__getitem__, reverse=True)):
        least = min(least, p_values[place] * count / (count - rank))
        adjusted[place] = least
    return tuple(adjusted)


def _adjusted(p_values: Sequence[float], correction: Correction) -> tuple[float, ...]:
    match correction:
        case Correction.NONE:
            _check(p_values)
            return tuple(p_values)
        case Correction.HOLM:
            return holm(p_values)
        case Correction.BENJAMINI_HOCHBERG:
            return benjamini_hochberg(p_values)
    assert_never(correction)


def _share(correction: Correction, *, tests: int, found: int) -> float:
    match correction:
        case Correction.NONE:
            return 1.0
        case Correction.HOLM:
            return 1 / tests
        case Correction.BENJAMINI_HOCHBERG:
            return max(found, 1) / tests
    assert_never(correction)


def _families(tests: Sequence[Hypothesis], scope: Scope) -> Mapping[str, Sequence[Hypothesis]]:
    if len({(test.metric, test.arm) for test in tests}) != len(tests):
        raise ValueError("a metric of an arm is tested twice")
    families: dict[str, list[Hypothesis]] = {}
    for test in tests:
        match scope:
            case Scope.ARMS:
                name = test.metric
            case Scope.METRICS:
                name = test.arm
            case Scope.BOTH:
                name = ""
            case _:
                assert_never(scope)
        families.setdefault(name, []).append(test)
    return families


def _check(p_values: Sequence[float]) -> None:
    if any(math.isnan(p_value) or not 0 <= p_value <= 1 for p_value in p_values):
        raise ValueError("a p-value does not lie between 0 and 1")
