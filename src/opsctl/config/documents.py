"""How does a value that was kept as JSON come back as the same value, and which document is none of ours?"""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from functools import cache
from typing import Any, TypeVar, cast

from pydantic import BaseModel, TypeAdapter, ValidationError

Made = TypeVar("Made")


class NotKeptError(ValueError):
    """A document is not what was written down; `place` is the field that is wrong, where it is one field."""

    def __init__(self, why: str, *, place: str | None = None) -> None:
        super().__init__(why if place is None else f"`{place}`: {why}")
        self.why = why
        self.place = place


def document_text(head: Mapping[str, Any], value: Any) -> str:
    """Return a value of dataclasses and models as JSON behind its head, sorted and ending with a newline.

    Raises:
        ValueError: a number is not finite; no other reader of JSON would take it.
    """
    body = {**head, **plain(value)}
    text = json.dumps(body, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
    # Half a character, of what a command printed: no JSON can hold it.
    return text.encode(errors="replace").decode()


def plain(value: Any) -> Any:
    """Return a value as JSON knows it: models by their aliases, moments as text."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True)
    if is_dataclass(value):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    match value:
        case Mapping():
            return {str(key): plain(each) for key, each in value.items()}
        case tuple() | list():
            return [plain(each) for each in value]
        case datetime():
            return value.isoformat()
        case _:
            return value


def parsed_document(text: str) -> dict[str, Any]:
    """Return the fields of a document, its head among them.

    Raises:
        NotKeptError: it is no JSON, no object, or an object in it has a key twice.
    """

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in found}) != len(found):
            raise ValueError("a key stands twice in one object")
        return dict(found)

    try:
        body = json.loads(text, object_pairs_hook=pairs)
    except (ValueError, RecursionError) as error:
        raise NotKeptError(str(error)) from error
    if not isinstance(body, dict):
        raise NotKeptError("it is no object, so it has no `schema`")
    return body


def value_of(kind: type[Made], body: Mapping[str, Any]) -> Made:
    """Return the value that a body without its head says; a field that an older document lacks has its default.

    Raises:
        NotKeptError: with the place of the first field that is not what it must be.
    """
    adapter = _adapter(cast("Any", kind))
    try:
        # Strict, and from JSON: only there are lists tuples and texts enumerations, and nothing else is taken for anything.
        text = json.dumps(body, allow_nan=False)
        made: Made = adapter.validate_json(text, strict=True, extra="forbid")
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])[:200]
        raise NotKeptError(first["msg"], place=place or "the document") from error
    except ValueError as error:
        raise NotKeptError("a number in it is not finite") from error
    return made


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
