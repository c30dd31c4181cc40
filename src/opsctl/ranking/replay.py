"""Does a logged decision come out the same again: all its inputs as exact JSON, and the slate made anew."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from opsctl.ranking.model import (
    ArmsState,
    Candidates,
    PolicyState,
    RankingOptions,
    RankingState,
    Reader,
    Slate,
)
from opsctl.ranking.rank import rank

SCHEMA = "opsctl.ranking.decision/1"
_TYPES = ("<f4", "<f8", "<i8")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayableDecision:
    """All that a call of `rank` was given, and the slate that it made."""

    candidates: Candidates
    reader: Reader
    state: RankingState
    options: RankingOptions
    seed: int
    slate: Slate


def replay(decision: ReplayableDecision) -> Slate:
    """Return the slate that the decision's inputs give now."""
    return rank(
        decision.candidates,
        decision.reader,
        state=decision.state,
        options=decision.options,
        seed=decision.seed,
    )


def slate_differences(first: Slate, second: Slate, *, tolerance: float = 0.0) -> tuple[str, ...]:
    """Return the names of the fields in which two slates differ, in the order of the fields.

    Args:
        first: a slate.
        second: another one.
        tolerance: how far numbers may lie apart; 0 compares bit for bit, 1e-9 is for a replay on another kind of
            processor. What was shown, explored and played must be the same with any tolerance.
    """
    return tuple(
        field.name
        for field in fields(Slate)
        if not _alike(getattr(first, field.name), getattr(second, field.name), tolerance)
    )


def _alike(first: Any, second: Any, tolerance: float) -> bool:
    if isinstance(first, float) and isinstance(second, float):
        return abs(first - second) <= tolerance
    if isinstance(first, tuple) and isinstance(second, tuple):
        return len(first) == len(second) and all(
            _alike(one, other, tolerance) for one, other in zip(first, second, strict=True)
        )
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        return first.keys() == second.keys() and all(
            _alike(held, second[name], tolerance) for name, held in first.items()
        )
    return bool(first == second)


def to_json(decision: ReplayableDecision) -> str:
    """Return the decision as one line of JSON: arrays as base64 of little-endian bytes, NaN and all, with a checksum.

    Raises:
        ValueError: an array is of another type than 32 or 64 bit float or 64 bit integer.
    """
    body = _canonical(_encode(decision))
    return f'{{"schema":{json.dumps(SCHEMA)},"sha256":"{_digest(body)}","decision":{body}}}'


def from_json(text: str) -> ReplayableDecision:
    """Return the decision that `to_json` wrote; white space and the order of keys may have changed since.

    Raises:
        ValueError: the text is truncated, corrupt, of an unknown schema, or no decision at all.
    """
    try:
        return _decode(_checked_body(json.loads(text)))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"this is no decision that can be read: {error}") from error


def _checked_body(document: dict[str, Any]) -> dict[str, Any]:
    if document["schema"] != SCHEMA:
        raise ValueError(f"its schema is `{document['schema']}`, not `{SCHEMA}`")
    body: dict[str, Any] = document["decision"]
    if _digest(_canonical(body)) != document["sha256"]:
        raise ValueError("it does not match its checksum")
    return body


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _encode(decision: ReplayableDecision) -> dict[str, Any]:
    candidates, reader = decision.candidates, decision.reader
    return {
        "candidates": {
            field.name: _encode_array(getattr(candidates, field.name)) for field in fields(candidates)
        },
        "reader": {
            "vector": _encode_optional(reader.vector),
            "history": _encode_array(reader.history),
            "seen": _ids(reader.seen),
            "context": _encode_array(reader.context),
            "hidden": _ids(reader.hidden),
            "vendors": _ids(reader.vendors),
            "history_weights": _encode_optional(reader.history_weights),
        },
        "state": asdict(decision.state),
        "options": _plain(decision.options),
        "seed": int(decision.seed),
        "slate": _plain(decision.slate),
    }


def _plain(value: RankingOptions | Slate) -> dict[str, Any]:
    """Return the fields by name; a mapping of any kind becomes a dict."""
    shown = {field.name: getattr(value, field.name) for field in fields(value)}
    return {name: dict(held) if isinstance(held, Mapping) else held for name, held in shown.items()}


def _ids(values: frozenset[int]) -> list[int]:
    return sorted(int(value) for value in values)


def _encode_optional(array: NDArray[Any] | None) -> dict[str, Any] | None:
    return None if array is None else _encode_array(array)


def _encode_array(array: NDArray[Any]) -> dict[str, Any]:
    little = array.dtype.newbyteorder("<").str
    if little not in _TYPES:
        raise ValueError(f"an array of type {array.dtype} cannot be logged; {', '.join(_TYPES)} can")
    data = base64.b64encode(np.ascontiguousarray(array, little).tobytes()).decode()
    return {"type": little, "shape": list(array.shape), "data": data}


def _decode(body: dict[str, Any]) -> ReplayableDecision:
    candidates, reader, state = body["candidates"], body["reader"], body["state"]
    return ReplayableDecision(
        candidates=Candidates(**{name: _decode_array(array) for name, array in candidates.items()}),
        reader=Reader(
            vector=_decode_optional(reader["vector"]),
            history=_decode_array(reader["history"]),
            seen=frozenset(reader["seen"]),
            context=_decode_array(reader["context"]),
            hidden=frozenset(reader["hidden"]),
            vendors=frozenset(reader["vendors"]),
            history_weights=_decode_optional(reader["history_weights"]),
        ),
        state=RankingState(
            arms=ArmsState(**_tuples(state["arms"])), policy=PolicyState(**_tuples(state["policy"]))
        ),
        options=RankingOptions(**_tuples(body["options"])),
        seed=body["seed"],
        slate=Slate(**_tuples(body["slate"])),
    )


def _decode_optional(encoded: dict[str, Any] | None) -> NDArray[Any] | None:
    return None if encoded is None else _decode_array(encoded)


def _decode_array(encoded: dict[str, Any]) -> NDArray[Any]:
    if encoded["type"] not in _TYPES:
        raise ValueError(f"an array of type `{encoded['type']}` cannot be read")
    data = np.frombuffer(base64.b64decode(encoded["data"], validate=True), encoded["type"])
    return data.reshape(encoded["shape"]).astype(data.dtype.newbyteorder("="))


def _tuples(value: dict[str, Any]) -> dict[str, Any]:
    """Return the fields with every list as a tuple, at any depth."""
    return {name: _tuple(held) for name, held in value.items()}


def _tuple(value: Any) -> Any:
    match value:
        case list():
            return tuple(_tuple(item) for item in value)
        case dict():
            return _tuples(value)
        case _:
            return value
