"""Which points does a derived collection hold: a filter as people write it, as Qdrant reads it, as a test."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, RootModel, model_validator

from opsctl.config.model import StrictModel

Scalar = str | int | float | bool
Payload = Mapping[str, Any]


class Bounds(StrictModel):
    """A range of numbers; at least one bound, and some number must fit between them."""

    gte: float | None = None
    """Greater than or equal."""
    gt: float | None = None
    """Greater than."""
    lte: float | None = None
    """Less than or equal."""
    lt: float | None = None
    """Less than."""

    @model_validator(mode="after")
    def _some_number_fits(self) -> "Bounds":
        low = max((bound for bound in (self.gte, self.gt) if bound is not None), default=None)
        high = min((bound for bound in (self.lte, self.lt) if bound is not None), default=None)
        if low is None and high is None:
            raise ValueError("a range needs at least one of gte, gt, lte, lt")
        strict = self.gt == low or self.lt == high
        if low is not None and high is not None and (low > high or (low == high and strict)):
            raise ValueError(f"no number fits between {low} and {high}")
        return self

    def contains(self, value: float) -> bool:
        """Tell whether a number lies within the bounds."""
        return (
            (self.gte is None or value >= self.gte)
            and (self.gt is None or value > self.gt)
            and (self.lte is None or value <= self.lte)
            and (self.lt is None or value < self.lt)
        )

    def to_qdrant(self) -> dict[str, float]:
        """Return the range in the words of Qdrant's REST API."""
        return self.model_dump(exclude_none=True)


Values = Annotated[list[str] | list[int], Field(min_length=1, max_length=1000)]


class Exclusion(StrictModel):
    """Any value but these."""

    except_: Annotated[Values, Field(alias="except")]
    """Values that the field must not have; the field must have some value."""


Condition = Bounds | Exclusion | Values | bool | int | float | str


class FilterSpec(RootModel[dict[Annotated[str, Field(min_length=1, max_length=200)], Condition]]):
    """Conditions by field name, all of which must hold.

    A scalar is an exact match, a list any of its values, a map a range or an `except` list:
    `{region: AU, category: [photographer, venue], quality: {gte: 0.8}}`.
    """

    @model_validator(mode="after")
    def _not_empty(self) -> "FilterSpec":
        if not self.root:
            raise ValueError("a filter needs at least one condition")
        return self

    def fields(self) -> tuple[str, ...]:
        """Return the names of the fields, in the order written."""
        return tuple(self.root)

    def to_qdrant(self) -> dict[str, Any]:
        """Return the filter in the words of Qdrant's REST API."""
        return {"must": [_to_qdrant(key, condition) for key, condition in self.root.items()]}

    def matches(self, payload: Payload) -> bool:
        """Tell whether a payload passes, by Qdrant's rules: a list passes when any of its values does."""
        return all(_matches(condition, payload, key) for key, condition in self.root.items())

    def __str__(self) -> str:
        return " AND ".join(_describe(key, condition) for key, condition in self.root.items())


def _to_qdrant(key: str, condition: Condition) -> dict[str, Any]:
    match condition:
        case Bounds():
            return {"key": key, "range": condition.to_qdrant()}
        case Exclusion():
            return {"key": key, "match": {"except": condition.except_}}
        case list():
            return {"key": key, "match": {"any": condition}}
        case float():
            # Qdrant matches strings, integers and booleans; a float is a range of one number.
            return {"key": key, "range": {"gte": condition, "lte": condition}}
        case _:
            return {"key": key, "match": {"value": condition}}


def _matches(condition: Condition, payload: Payload, key: str) -> bool:
    values = _values_at(payload, key.split("."))
    match condition:
        case Bounds():
            return any(_is_number(value) and condition.contains(value) for value in values)
        case Exclusion():
            return any(_is_scalar(value) and value not in condition.except_ for value in values)
        case list():
            return any(_same(value, wanted) for value in values for wanted in condition)
        case float():
            return any(_is_number(value) and value == condition for value in values)
        case _:
            return any(_same(value, condition) for value in values)


def _values_at(payload: Any, path: list[str]) -> list[Any]:
    """Return the values at a dotted path, lists opened on the way as Qdrant does."""
    if not path:
        return payload if isinstance(payload, list) else [payload]
    if isinstance(payload, Mapping) and path[0] in payload:
        return _values_at(payload[path[0]], path[1:])
    return []


def _same(value: Any, wanted: Scalar) -> bool:
    """Compare without Python's habit of taking True for 1."""
    return type(value) is type(wanted) and bool(value == wanted)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _describe(key: str, condition: Condition) -> str:
    match condition:
        case Bounds():
            signs = {"gte": ">=", "gt": ">", "lte": "<=", "lt": "<"}
            return " and ".join(
                f"{key} {signs[name]} {bound:g}" for name, bound in condition.to_qdrant().items()
            )
        case Exclusion():
            return f"{key} not in [{', '.join(map(str, condition.except_))}]"
        case list():
            return f"{key} in [{', '.join(map(str, condition))}]"
        case _:
            return f"{key} = {condition}"
