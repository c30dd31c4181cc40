"""What a filter of Qdrant's REST API means to the engine."""

from datetime import date
from typing import TYPE_CHECKING, Any

from opsctl.stack.vector_node.api_error import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import qdrant_edge as edge
    from qdrant_client.http import models


def engine_filter(asked: "models.Filter | None") -> "edge.Filter | None":
    """Return the engine's filter; None stays None."""
    return None if asked is None else _filter(asked)


def _filter(asked: "models.Filter") -> "edge.Filter":
    import qdrant_edge as edge

    minimum = asked.min_should
    return edge.Filter(
        must=_conditions(asked.must),
        should=_conditions(asked.should),
        must_not=_conditions(asked.must_not),
        min_should=None
        if minimum is None
        else edge.MinShould([_condition(each) for each in minimum.conditions], minimum.min_count),
    )


def _conditions(
    asked: "list[models.Condition] | models.Condition | None",
) -> "list[edge.ConditionType] | None":
    if asked is None:
        return None
    return [_condition(each) for each in (asked if isinstance(asked, list) else [asked])]


def _condition(asked: "models.Condition") -> "edge.ConditionType":  # noqa: PLR0911 - one line for each kind
    import qdrant_edge as edge
    from qdrant_client.http import models

    match asked:
        case models.FieldCondition():
            return _field(asked)
        case models.Filter():
            return _filter(asked)
        case models.IsEmptyCondition():
            return edge.IsEmptyCondition(asked.is_empty.key)
        case models.IsNullCondition():
            return edge.IsNullCondition(asked.is_null.key)
        case models.HasIdCondition():
            return edge.HasIdCondition(set(asked.has_id))
        case models.HasVectorCondition():
            return edge.HasVectorCondition(asked.has_vector)
        case models.NestedCondition():
            return edge.NestedCondition(asked.nested.key, _filter(asked.nested.filter))
        case _:
            raise ApiError(501, f"Not implemented: the engine has no condition `{type(asked).__name__}`")


def _field(asked: "models.FieldCondition") -> "edge.FieldCondition":
    import qdrant_edge as edge

    counts = asked.values_count
    return edge.FieldCondition(
        asked.key,
        match=None if asked.match is None else _match(asked.match),
        range=None if asked.range is None else _range(asked.range),
        geo_bounding_box=_bounding_box(asked.geo_bounding_box),
        geo_radius=_radius(asked.geo_radius),
        geo_polygon=_polygon(asked.geo_polygon),
        values_count=None
        if counts is None
        else edge.ValuesCount(lt=counts.lt, gt=counts.gt, lte=counts.lte, gte=counts.gte),
        is_empty=asked.is_empty,
        is_null=asked.is_null,
    )


def _match(asked: "models.Match") -> "edge.MatchType":  # noqa: PLR0911 - one line for each kind
    import qdrant_edge as edge
    from qdrant_client.http import models

    match asked:
        case models.MatchValue():
            return edge.MatchValue(_plain_value(asked.value))
        case models.MatchAny():
            return edge.MatchAny(asked.any)
        case models.MatchExcept():
            return edge.MatchExcept(asked.except_)
        case models.MatchText():
            return edge.MatchText(asked.text)
        case models.MatchTextAny():
            return edge.MatchTextAny(asked.text_any)
        case models.MatchPhrase():
            return edge.MatchPhrase(asked.phrase)
        case models.MatchPrefix():
            return edge.MatchPrefix(asked.prefix)
        case models.MatchSubstring():
            return edge.MatchSubstring(asked.substring)


def _plain_value(value: Any) -> Any:
    """Return the value; the engine's binding reads Python's bool as an integer, numpy's as what it is."""
    import numpy as np

    return np.bool_(value) if isinstance(value, bool) else value


def _range(asked: "models.RangeInterface") -> "edge.RangeType":
    import qdrant_edge as edge
    from qdrant_client.http import models

    if isinstance(asked, models.Range):
        return edge.RangeFloat(gte=asked.gte, gt=asked.gt, lte=asked.lte, lt=asked.lt)
    return edge.RangeDateTime(
        gte=_moment(asked.gte), gt=_moment(asked.gt), lte=_moment(asked.lte), lt=_moment(asked.lt)
    )


def _moment(value: date | None) -> str | None:
    return None if value is None else value.isoformat()


def _point(asked: "models.GeoPoint") -> "edge.GeoPoint":
    import qdrant_edge as edge

    return edge.GeoPoint(lon=asked.lon, lat=asked.lat)


def _line(points: "Iterable[models.GeoPoint]") -> "list[edge.GeoPoint]":
    return [_point(each) for each in points]


def _bounding_box(asked: "models.GeoBoundingBox | None") -> "edge.GeoBoundingBox | None":
    import qdrant_edge as edge

    if asked is None:
        return None
    return edge.GeoBoundingBox(top_left=_point(asked.top_left), bottom_right=_point(asked.bottom_right))


def _radius(asked: "models.GeoRadius | None") -> "edge.GeoRadius | None":
    import qdrant_edge as edge

    return None if asked is None else edge.GeoRadius(center=_point(asked.center), radius=asked.radius)


def _polygon(asked: "models.GeoPolygon | None") -> "edge.GeoPolygon | None":
    import qdrant_edge as edge

    if asked is None:
        return None
    interiors: Any = None if asked.interiors is None else [_line(ring.points) for ring in asked.interiors]
    return edge.GeoPolygon(exterior=_line(asked.exterior.points), interiors=interiors)
