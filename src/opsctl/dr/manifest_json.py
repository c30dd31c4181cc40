"""How does a manifest become JSON and come back from it, with nothing lost, added or taken for something else?"""

import json
import math
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NoReturn, TypeVar, Union, get_args, get_origin, get_type_hints

from opsctl.core.errors import FailedError, UsageError
from opsctl.dr.manifest import SCHEMA, BackupManifest

# PostgreSQL makes no others; whoever reads a log divides by it.
_SEGMENT_SIZES = frozenset(1 << power for power in range(20, 31))
_FAMILY = SCHEMA.rpartition("/")[0]
_NAMES = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", datetime: "a time"}
_JSON_NAMES = {dict: "an object", list: "a list", type(None): "null"} | _NAMES

Value = TypeVar("Value")


def to_json(manifest: BackupManifest) -> bytes:
    """Return a manifest as JSON: fields in the order of their declaration, the schema first, times in UTC.

    Raises:
        ValueError: a number is not finite, or a time has no zone; opsctl makes no such manifest.
    """
    document = {"schema": manifest.schema, **_plain(manifest)}
    return (json.dumps(document, indent=1, allow_nan=False) + "\n").encode()


def from_json(data: bytes) -> BackupManifest:
    """Return the manifest that a JSON document says.

    Raises:
        UsageError: DRC006 when a newer or older opsctl made it than this one understands.
        FailedError: DRC007 naming the field that is missing, unknown or of the wrong kind; DRC008 when it is no manifest.
    """
    document = _parsed(data)
    schema = document.get("schema") if isinstance(document, dict) else None
    if not isinstance(schema, str) or schema.rpartition("/")[0] != _FAMILY:
        _no_manifest(f"its `schema` is not {_FAMILY}/...")
    if schema != SCHEMA:
        raise _of_another_version(document, schema)
    manifest: BackupManifest = _made(BackupManifest, document, at="")
    if manifest.base is not None and manifest.base.wal_segment_bytes not in _SEGMENT_SIZES:
        _bad("base.wal_segment_bytes", "a segment has 1 MiB to 1 GiB, a power of two")
    return manifest


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    match value:
        case datetime():
            if value.tzinfo is None:
                raise ValueError(f"the time {value} has no zone")
            return value.astimezone(UTC).isoformat()
        case Mapping():
            return {key: _plain(value[key]) for key in sorted(value)}
        case tuple() | list():
            return [_plain(each) for each in value]
        case _:
            return value


def _parsed(data: bytes) -> Any:
    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in found}) != len(found):
            _no_manifest("a key stands twice in one object")
        return dict(found)

    try:
        return json.loads(
            data, object_pairs_hook=pairs, parse_constant=lambda word: _no_manifest(f"`{word}` in it")
        )
    except (ValueError, RecursionError) as error:
        _no_manifest(str(error))


def _of_another_version(document: dict[str, Any], schema: str) -> UsageError:
    tools = document.get("tools")
    maker = tools.get("opsctl") if isinstance(tools, dict) else None
    named = f"opsctl {maker}" if isinstance(maker, str) else "another opsctl"
    return UsageError(
        f"the manifest is of the schema `{schema[:80]}`, and this opsctl understands `{SCHEMA}`",
        code="DRC006",
        why=f"{named} made the backup",
        fix=f"use {named}" if isinstance(maker, str) else "use the opsctl that made it, or a newer one",
    )


def _made(kind: Any, value: Any, *, at: str) -> Any:
    """Return `value` as what a field declares, and nothing that merely looks like it."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if origin in (Union, types.UnionType):
        return _one_of(arguments, value, at=at)
    if origin is tuple:
        items = _required(list, value, at=at)
        return tuple(_made(arguments[0], each, at=f"{at}[{number}]") for number, each in enumerate(items))
    if origin is Mapping:
        entries = _required(dict, value, at=at)
        return {key: _made(arguments[1], each, at=_below(at, key)) for key, each in entries.items()}
    if is_dataclass(kind):
        return _record(kind, value, at=at)
    return _single(kind, value, at=at)


def _record(kind: Any, value: Any, *, at: str) -> Any:
    entries = _required(dict, value, at=at)
    hints = get_type_hints(kind)
    if missing := [name for name in hints if name not in entries]:
        _bad(_below(at, missing[0]), "it is missing")
    if unknown := [name for name in entries if name not in hints]:
        _bad(_below(at, unknown[0]), "there is no such field")
    return kind(**{name: _made(hint, entries[name], at=_below(at, name)) for name, hint in hints.items()})


def _one_of(kinds: tuple[Any, ...], value: Any, *, at: str) -> Any:
    """Return the value as one of several kinds; in a manifest they never look alike."""
    if value is None and type(None) in kinds:
        return None
    several = [kind for kind in kinds if kind is not type(None)]
    if len(several) == 1:
        return _made(several[0], value, at=at)
    if type(value) not in several:
        _bad(at, f"it is {_name_of(value)}, and not {' or '.join(_NAMES[kind] for kind in several)}")
    return value


def _single(kind: Any, value: Any, *, at: str) -> Any:
    if issubclass(kind, StrEnum):
        text = _required(str, value, at=at)
        if text not in set(kind):
            _bad(at, f"it is `{text[:80]}`, and not one of {', '.join(kind)}")
        return kind(text)
    if kind is datetime:
        return _time(_required(str, value, at=at), at=at)
    if kind is float:
        return _number(value, at=at)
    return _required(kind, value, at=at)


def _number(value: Any, *, at: str) -> float:
    """Return a finite number: `1e999` is JSON, and infinite for Python."""
    try:
        found = float(value) if type(value) is int else _required(float, value, at=at)
    except OverflowError:
        found = math.inf
    if not math.isfinite(found):
        _bad(at, "it is larger than any number that opsctl writes")
    return float(found)


def _time(text: str, *, at: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        _bad(at, f"`{text[:80]}` is no time")
    if found.tzinfo is None:
        _bad(at, f"the time `{text[:80]}` has no zone")
    try:
        return found.astimezone(UTC)
    except OverflowError:
        _bad(at, f"`{text[:80]}` lies outside of the years 1 to 9999 in UTC")


def _required(kind: type[Value], value: Any, *, at: str) -> Value:
    # `bool` is an `int` for Python, and not for us.
    if type(value) is not kind:
        _bad(at, f"it is {_name_of(value)}, and not {_JSON_NAMES[kind]}")
    return value


def _name_of(value: Any) -> str:
    return _JSON_NAMES[type(value)]


def _below(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name


def _bad(at: str, why: str) -> NoReturn:
    raise FailedError(
        f"`{at[:200] or 'the document'}` of the manifest is not what it must be",
        code="DRC007",
        why=why,
        fix="find a copy that is whole: opsctl dr verify --all",
    )


def _no_manifest(why: str) -> NoReturn:
    raise FailedError(
        "this is no manifest of a backup",
        code="DRC008",
        why=why,
        fix="find a copy that is whole: opsctl dr verify --all",
    )
