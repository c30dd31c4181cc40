"""In which ways can a filtered search be answered: the strategies, and the composite key that one of them needs."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from itertools import islice, product
from typing import Any

from opsctl.vectors.arms import Arm
from opsctl.vectors.filters import Bounds, Exclusion, FilterSpec

SEGMENT_FIELD = "opsctl_segment"
"""Payload field of the composite key, in scratch copies only."""

_MOST_SEGMENTS = 64  # of one point; the product of its lists, cut so that a hostile payload stays small


class Strategy(StrEnum):
    """The ways to answer a filtered search, the plainest first."""

    NO_INDEX = "no index"
    PLANNER = "planner"
    ACORN = "ACORN"
    COMPOSITE = "composite key"
    DERIVED = "derived"


def arm(strategy: Strategy, *, collection: str, spec: FilterSpec, segment_field: str = SEGMENT_FIELD) -> Arm:
    """Return the arm that answers by a strategy; the derived collection needs no filter at all."""
    match strategy:
        case Strategy.NO_INDEX | Strategy.PLANNER:
            return Arm(name=strategy, collection=collection, filter=spec)
        case Strategy.ACORN:
            return Arm(name=strategy, collection=collection, filter=spec, acorn=True)
        case Strategy.COMPOSITE:
            return Arm(name=strategy, collection=collection, filter=segment_filter(spec, field=segment_field))
        case Strategy.DERIVED:
            return Arm(name=strategy, collection=collection)


def segment_filter(spec: FilterSpec, *, field: str = SEGMENT_FIELD) -> FilterSpec:
    """Return the filter on the composite key that means the same as `spec`: one keyword."""
    labels = [_wanted_label(condition) for condition in spec.root.values()]
    return FilterSpec.model_validate({field: "|".join(labels)})


def segmenter(spec: FilterSpec) -> Callable[[Mapping[str, Any]], list[str]]:
    """Return the function that gives a payload's composite keys: its values where `spec` wants one, else in or out.

    A point has the key of `segment_filter(spec)` exactly when it passes `spec`.

    >>> keys = segmenter(FilterSpec.model_validate({"region": "AU", "quality": {"gte": 0.8}}))
    >>> keys({"region": "AU", "quality": 0.5})
    ['AU|out']
    """
    parts = [(key, condition, FilterSpec({key: condition})) for key, condition in spec.root.items()]

    def segments(payload: Mapping[str, Any]) -> list[str]:
        choices = [
            _choices(payload.get(key), condition, matches=part.matches(payload))
            for key, condition, part in parts
        ]
        return ["|".join(labels) for labels in islice(product(*choices), _MOST_SEGMENTS)]

    return segments


def _choices(value: Any, condition: Any, *, matches: bool) -> list[str]:
    """Return the labels of one condition, the wanted one first where it matches, and only there."""
    if not _is_exact(condition):
        return ["in" if matches else "out"]
    others = [label for label in _labels(value) if label != str(condition)]
    return [str(condition), *others] if matches else others or ["-"]


def _wanted_label(condition: Any) -> str:
    return str(condition) if _is_exact(condition) else "in"


def _is_exact(condition: Any) -> bool:
    return not isinstance(condition, Bounds | Exclusion | list)


def _labels(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [str(each) for each in values if isinstance(each, str | int | float)]
