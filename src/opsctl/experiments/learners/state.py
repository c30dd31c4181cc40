"""How is what a learner knows kept as text: exact to the last bit, with a version and a checksum, and never as code."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from opsctl.core.errors import UsageError

SCHEMA = "opsctl.experiments.learner/1"
_TYPES = ("<f8", "<i8")

Plain = int | float | str | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnerState:
    """What a learner knows.

    Args:
        kind: which learner, such as `beta_ts`.
        numbers: its options and counts.
        arrays: 64 bit floats or integers.
    """

    kind: str
    numbers: Mapping[str, Plain]
    arrays: Mapping[str, NDArray[Any]]

    def floats(self, name: str) -> NDArray[np.float64]:
        """Return an array of floats."""
        return self.arrays[name].astype(np.float64, copy=False)

    def whole(self, name: str) -> int:
        """Return a number that is whole."""
        return int(self.numbers[name] or 0)

    def real(self, name: str) -> float:
        """Return a number."""
        return float(self.numbers[name] or 0.0)

    def to_text(self) -> str:
        """Return the state as one line of JSON: arrays as base64 of little-endian bytes, with a checksum.

        Raises:
            ValueError: an array is of another type, or a number is not finite.
        """
        arrays = {name: _encode(array) for name, array in self.arrays.items()}
        body = _canonical({"kind": self.kind, "numbers": dict(self.numbers), "arrays": arrays})
        return f'{{"schema":{json.dumps(SCHEMA)},"sha256":"{_digest(body)}","learner":{body}}}'


def state_from_text(text: str, *, kind: str | None = None) -> LearnerState:
    """Return the state that `to_text` wrote; white space and the order of keys may have changed since.

    Args:
        text: what was written.
        kind: the learner that it must be of; None takes any.

    Raises:
        UsageError: EXP100.
    """
    try:
        state = _decoded(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(
            "this is no saved learner that can be read",
            code="EXP100",
            why=str(error),
            fix="take another copy of it, or let the learner begin anew",
        ) from error
    if kind is not None and state.kind != kind:
        raise UsageError(
            f"this is the state of a `{state.kind[:40]}`, not of a `{kind}`",
            code="EXP100",
            fix="load it with `load_policy`, which knows all kinds",
        )
    return state


def _decoded(document: dict[str, Any]) -> LearnerState:
    if document["schema"] != SCHEMA:
        raise ValueError(f"its schema is `{document['schema']}`, not `{SCHEMA}`")
    body = document["learner"]
    if _digest(_canonical(body)) != document["sha256"]:
        raise ValueError("it does not match its checksum")
    arrays = {name: _decode(array) for name, array in body["arrays"].items()}
    return LearnerState(kind=body["kind"], numbers=body["numbers"], arrays=arrays)


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _encode(array: NDArray[Any]) -> dict[str, Any]:
    little = array.dtype.newbyteorder("<").str
    if little not in _TYPES:
        raise ValueError(f"an array of type {array.dtype} cannot be kept; {', '.join(_TYPES)} can")
    data = base64.b64encode(np.ascontiguousarray(array, little).tobytes()).decode()
    return {"type": little, "shape": list(array.shape), "data": data}


def _decode(encoded: dict[str, Any]) -> NDArray[Any]:
    if encoded["type"] not in _TYPES:
        raise ValueError(f"an array of type `{encoded['type']}` cannot be read")
    data = np.frombuffer(base64.b64decode(encoded["data"], validate=True), encoded["type"])
    return data.reshape(encoded["shape"]).astype(data.dtype.newbyteorder("="))
