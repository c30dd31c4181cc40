"""Payloads and filters that hypothesis draws: few fields with few values, so that filters hit and miss."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from qdrant_client import models

REGIONS = ["AU", "US", "NZ", "DE"]
_START = datetime(2026, 1, 1, tzinfo=UTC)

_moments = st.integers(0, 6).map(lambda day: (_START + timedelta(days=day)).isoformat())
_qualities = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])
_regions = st.sampled_from(REGIONS)
_shots = st.fixed_dictionaries({"kind": _regions, "size": st.integers(0, 3)})

payloads = st.fixed_dictionaries(
    {},
    optional={
        "region": st.one_of(_regions, st.lists(_regions, max_size=3), st.none()),
        "count": st.one_of(st.integers(-2, 3), st.lists(st.integers(-2, 3), max_size=3)),
        "quality": _qualities,
        "open": st.booleans(),
        "made": _moments,
        "shots": st.lists(_shots, max_size=3),
        "owner": st.fixed_dictionaries({"name": _regions}),
    },
)


def _bounds(values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    lower = st.dictionaries(st.sampled_from(["gt", "gte"]), values, max_size=1)
    upper = st.dictionaries(st.sampled_from(["lt", "lte"]), values, max_size=1)
    return st.tuples(lower, upper).map(lambda pair: pair[0] | pair[1]).filter(bool)


def _match(key: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[models.FieldCondition]:
    several = st.lists(values, min_size=1, max_size=3, unique=True)
    matches: st.SearchStrategy[Any] = st.one_of(
        values.map(lambda value: models.MatchValue(value=value)),
        several.map(lambda chosen: models.MatchAny(any=chosen)),
        several.map(lambda chosen: models.MatchExcept(**{"except": chosen})),
    )
    return matches.map(lambda match: models.FieldCondition(key=key, match=match))


_FIELDS = ["region", "count", "quality", "open", "made", "shots", "owner.name", "nowhere"]
_field_conditions = st.one_of(
    _match("region", _regions),
    _match("count", st.integers(-2, 3)),
    _match("owner.name", _regions),
    st.booleans().map(lambda value: models.FieldCondition(key="open", match=models.MatchValue(value=value))),
    _bounds(_qualities).map(
        lambda bounds: models.FieldCondition(key="quality", range=models.Range(**bounds))
    ),
    _bounds(st.integers(-2, 3)).map(
        lambda bounds: models.FieldCondition(key="count", range=models.Range(**bounds))
    ),
    _bounds(_moments).map(
        lambda bounds: models.FieldCondition(key="made", range=models.DatetimeRange(**bounds))
    ),
    _bounds(st.integers(0, 3)).map(
        lambda bounds: models.FieldCondition(key="region", values_count=models.ValuesCount(**bounds))
    ),
)
_shot_filters = st.tuples(_match("kind", _regions), _bounds(st.integers(0, 3))).map(
    lambda pair: models.Filter(
        must=[pair[0], models.FieldCondition(key="size", range=models.Range(**pair[1]))]
    )
)
_LEAVES = (
    "field", "field", "field", "empty", "null", "ids", "nested",
)  # fmt: skip


@st.composite
def _leaf(draw: st.DrawFn) -> Any:
    key = models.PayloadField(key=draw(st.sampled_from(_FIELDS)))
    match draw(st.sampled_from(_LEAVES)):
        case "empty":
            return models.IsEmptyCondition(is_empty=key)
        case "null":
            return models.IsNullCondition(is_null=key)
        case "ids":
            return models.HasIdCondition(has_id=list(draw(st.sets(st.integers(1, 14), max_size=4))))
        case "nested":
            return models.NestedCondition(nested=models.Nested(key="shots", filter=draw(_shot_filters)))
        case _:
            return draw(_field_conditions)


@st.composite
def filters(draw: st.DrawFn, *, depth: int = 2) -> models.Filter:
    """Draw a filter; clauses hold plain conditions and, down to `depth`, filters again."""
    parts: dict[str, Any] = {}
    for clause in draw(st.sets(st.sampled_from(["must", "should", "must_not", "min_should"]), min_size=1)):
        conditions = [
            draw(filters(depth=depth - 1)) if depth > 1 and draw(st.integers(0, 3)) == 0 else draw(_leaf())
            for _ in range(draw(st.integers(1, 3)))
        ]
        is_counted = clause == "min_should"
        parts[clause] = (
            models.MinShould(conditions=conditions, min_count=draw(st.integers(1, 2)))
            if is_counted
            else conditions
        )
    return models.Filter(**parts)
