"""The part of the schema of SARIF 2.1.0 (OASIS, errata 01) that an audit uses, by hand: no package here brings the whole.

Objects are closed, as they are there, so that a property that the standard does not know is found.
"""

from typing import Any

_TEXT = {"type": "string"}
_INDEX = {"type": "integer", "minimum": -1}
_BAG = {
    "type": "object",
    "properties": {"tags": {"type": "array", "uniqueItems": True, "items": _TEXT}},
}
_LEVEL = {"enum": ["none", "note", "warning", "error"]}


def _closed(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(required),
        "properties": properties,
        "additionalProperties": False,
    }


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


_MESSAGE = _closed(("text",), text=_TEXT, markdown=_TEXT)
_RULE = _closed(
    ("id",),
    id=_TEXT,
    shortDescription=_MESSAGE,
    fullDescription=_MESSAGE,
    help=_MESSAGE,
    defaultConfiguration=_closed(level=_LEVEL),
    properties=_BAG,
)
_REGION = _closed(startLine={"type": "integer", "minimum": 1}, startColumn={"type": "integer", "minimum": 1})
_LOCATION = _closed(
    physicalLocation=_closed(
        ("artifactLocation",),
        artifactLocation=_closed(
            uri={"type": "string", "pattern": r"^(?:[\w.~!$&'()*+,;=:@/-]|%[0-9A-F]{2})+$"}
        ),
        region=_REGION,
    )
)
_RESULT = _closed(
    ("message",),
    ruleId=_TEXT,
    ruleIndex=_INDEX,
    level=_LEVEL,
    message=_MESSAGE,
    locations=_list(_LOCATION),
    partialFingerprints={"type": "object", "additionalProperties": _TEXT},
    suppressions=_list(
        _closed(
            ("kind",),
            kind={"enum": ["inSource", "external"]},
            status={"enum": ["accepted", "underReview", "rejected"]},
            justification=_TEXT,
        )
    ),
)
_NOTIFICATION = _closed(
    ("message",), message=_MESSAGE, level=_LEVEL, associatedRule=_closed(("id",), id=_TEXT, index=_INDEX)
)
_RUN = _closed(
    ("tool",),
    tool=_closed(("driver",), driver=_closed(("name",), name=_TEXT, version=_TEXT, rules=_list(_RULE))),
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    invocations=_list(
        _closed(
            ("executionSuccessful",),
            executionSuccessful={"type": "boolean"},
            toolExecutionNotifications=_list(_NOTIFICATION),
        )
    ),
    results=_list(_RESULT),
)
RULES = _closed(("version", "runs"), **{"$schema": _TEXT}, version={"const": "2.1.0"}, runs=_list(_RUN))
