"""Of what are the models made: bounded ids, texts without control characters, finite numbers, moments with a zone."""

import re
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

LARGEST_ID: Final = 2**63 - 1
"""The largest bigint of PostgreSQL."""

InteractionKind = Literal["view", "click", "save", "share", "inquiry", "purchase", "hide"]
Status = Literal["draft", "published", "archived"]

_LARGEST_EXACT: Final = 2**53

CONTENT_EXAMPLE: JsonDict = {
    "vendor_id": 3,
    "title": "Letterpress studio",
    "description": "Invitations and posters, printed by hand.",
    "region": "Brooklyn",
    "district": "Gowanus",
    "category": "print",
    "tags": ["letterpress", "paper"],
    "price_usd": 120.5,
    "quality": 0.87,
    "status": "published",
}
"""An item as a client writes it."""

_PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f]*$"
_PRINTABLE_AND_LINES = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")


class Incoming(BaseModel):
    """What clients send: strict types, no unknown fields, finite numbers."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Outgoing(BaseModel):
    """What the service sends; it documents the answer, whose bytes are written without it."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _as_rfc3339(value: Any) -> Any:
    """Refuse what pydantic reads generously, such as `2026-01-02 03:04Z`."""
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise PydanticCustomError("moment", "Input should be a moment such as `2026-01-31T12:00:00Z`")
    return value


def _as_whole(value: Any) -> Any:
    """Take `7.0` for 7, as JSON Schema does, where the digits are exact."""
    is_whole = isinstance(value, float) and value.is_integer() and abs(value) <= _LARGEST_EXACT
    return int(value) if is_whole else value


def _as_decimal(value: Any) -> Any:
    """Refuse what pydantic reads generously in a parameter, such as ` 7`, `+7`, `7.0` and `1_000`."""
    if isinstance(value, str) and not re.fullmatch(r"-?[0-9]{1,30}", value, re.ASCII):
        raise PydanticCustomError("decimal", "Input should be a whole number in decimal digits")
    return value


Id = Annotated[
    int, Field(ge=1, le=LARGEST_ID, json_schema_extra={"format": "int64"}), BeforeValidator(_as_whole)
]
Score = Annotated[float, Field(description="Rounded to four digits.")]
ChoiceName = Annotated[str, Field(min_length=1, max_length=80, pattern=_PRINTABLE)]
Title = Annotated[str, Field(min_length=1, max_length=300, pattern=_PRINTABLE)]
LongText = Annotated[str, Field(max_length=10_000, pattern=_PRINTABLE_AND_LINES)]
Tag = Annotated[str, Field(min_length=1, max_length=60, pattern=_PRINTABLE)]
IdempotencyKey = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[!-~]+$")]
FeedId = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
Moment = Annotated[
    AwareDatetime,
    # After a validator in Python pydantic no longer knows that it reads JSON, and strictly takes no text for a moment.
    Field(strict=False),
    BeforeValidator(_as_rfc3339, json_schema_input_type=datetime),
]
DecimalNumber = BeforeValidator(_as_decimal)
