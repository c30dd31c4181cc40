"""What can be wrong on a line: every toxic as a value, read from JSON and written to it."""

import math
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from enum import StrEnum
from typing import Any, ClassVar

_LONGEST_SECONDS = 900.0
_MOST_BYTES = 2**40


class Stream(StrEnum):
    """Which way bytes go: `up` to the upstream, `down` back to whoever asked."""

    UP = "up"
    DOWN = "down"


class Garbling(StrEnum):
    """What becomes of the body of an answer."""

    SHUFFLE_IDS = "shuffle_ids"
    UNKNOWN_IDS = "unknown_ids"
    EMPTY = "empty"
    NAN = "nan"
    NOT_JSON = "not_json"
    WRONG_DIMENSION = "wrong_dimension"
    MODEL_INJECTION = "model_injection"
    MODEL_NAN = "model_nan"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a value of a toxic may be; numbers lie between `least` and `most`, both allowed."""

    type: type
    least: float = 0.0
    most: float = math.inf
    is_optional: bool = False

    def problem(self, value: object) -> str | None:
        """Say what is wrong with a value; None when nothing is."""
        if value is None:
            return None if self.is_optional else "is missing"
        if self.type in (int, float):
            return self._problem_of_number(value)
        if isinstance(value, self.type):
            return None if value else "is empty"
        return f"is {value!r}, not {self._expected()}"

    def _problem_of_number(self, value: object) -> str | None:
        allowed = (int, float) if self.type is float else (int,)
        # True is an int to Python, and nobody means it.
        if isinstance(value, bool) or not isinstance(value, allowed):
            return f"is {value!r}, not {self._expected()}"
        if not self.least <= value <= self.most:  # also false for NaN
            return f"is {value!r}, outside {self.least:g} to {self.most:g}"
        return None

    def _expected(self) -> str:
        if issubclass(self.type, StrEnum):
            return "one of " + ", ".join(f"`{each}`" for each in self.type)
        return {int: "a whole number", float: "a number"}.get(self.type, "a text")


def _rule(
    kind: type, *, least: float = 0.0, most: float = math.inf, optional: bool = False
) -> dict[str, Rule]:
    return {"rule": Rule(type=kind, least=least, most=most, is_optional=optional)}


_SECONDS = _rule(float, most=_LONGEST_SECONDS)
_PERIOD = _rule(float, least=0.01, most=_LONGEST_SECONDS)
_OFFSET = _rule(int, most=_MOST_BYTES)
_AT_LEAST_ONE = _rule(int, least=1, most=_MOST_BYTES)
_PATH = _rule(str, optional=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Toxic:
    """One thing that is wrong.

    Args:
        share: part of the connections, or of the calls on a line of HTTP, that it hits.
        seed: of the lots; the n-th connection or call draws the same lot every time.
    """

    kind: ClassVar[str] = ""
    needs_http: ClassVar[bool] = False
    share: float = field(default=1.0, metadata=_rule(float, most=1.0))
    seed: int = field(default=0, metadata=_rule(int, most=2**63))

    def __post_init__(self) -> None:
        for each in fields(self):
            rule: Rule = each.metadata["rule"]
            if problem := rule.problem(getattr(self, each.name)):
                raise ValueError(f"`{each.name}` of `{self.kind}` {problem}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency(Toxic):
    """Every byte arrives so much later, give or take the jitter; the throughput stays."""

    kind: ClassVar[str] = "latency"
    delay_seconds: float = field(metadata=_SECONDS)
    jitter_seconds: float = field(default=0.0, metadata=_SECONDS)
    stream: Stream = field(default=Stream.DOWN, metadata=_rule(Stream))


@dataclass(frozen=True, slots=True, kw_only=True)
class Down(Toxic):
    """Connects are refused and open connections cut; with a share below 1 those that it hits are reset at once."""

    kind: ClassVar[str] = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Silent(Toxic):
    """Connections are accepted, nothing passes, nothing is answered."""

    kind: ClassVar[str] = "silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class OneWay(Toxic):
    """Requests arrive, answers never come: half of a partition."""

    kind: ClassVar[str] = "one_way"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bandwidth(Toxic):
    """Each way of a connection carries so many bytes a second."""

    kind: ClassVar[str] = "bandwidth"
    bytes_per_second: int = field(metadata=_AT_LEAST_ONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset(Toxic):
    """The connection is reset after so many bytes of an answer; on HTTP of its body, so the head passes."""

    kind: ClassVar[str] = "reset"
    after_bytes: int = field(metadata=_OFFSET)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice(Toxic):
    """Answers come in small pieces with a pause after each."""

    kind: ClassVar[str] = "slice"
    bytes_per_piece: int = field(metadata=_AT_LEAST_ONE)
    pause_seconds: float = field(metadata=_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Truncate(Toxic):
    """The connection ends in order after so many bytes of an answer; on HTTP of its body, which is then too short."""

    kind: ClassVar[str] = "truncate"
    after_bytes: int = field(metadata=_OFFSET)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flap(Toxic):
    """Down and up in turns, beginning with down."""

    kind: ClassVar[str] = "flap"
    up_seconds: float = field(metadata=_PERIOD)
    down_seconds: float = field(metadata=_PERIOD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fail(Toxic):
    """Calls are answered with a status, and never reach the upstream.

    Args:
        status: of the answer.
        first_calls: only so many calls fail, counted from when the toxic was set.
        every: only each so-many-th call fails.
        retry_after_seconds: the header `Retry-After`.
        path_contains: other calls are neither counted nor failed.
    """

    kind: ClassVar[str] = "fail"
    needs_http: ClassVar[bool] = True
    status: int = field(metadata=_rule(int, least=400, most=599))
    first_calls: int | None = field(default=None, metadata=_rule(int, least=1, optional=True))
    every: int | None = field(default=None, metadata=_rule(int, least=1, optional=True))
    retry_after_seconds: float | None = field(default=None, metadata=_rule(float, most=86_400, optional=True))
    path_contains: str | None = field(default=None, metadata=_PATH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Garble(Toxic):
    """The body of good answers is changed; an answer in which there is nothing to change passes as it is."""

    kind: ClassVar[str] = "garble"
    needs_http: ClassVar[bool] = True
    what: Garbling = field(metadata=_rule(Garbling))
    path_contains: str | None = field(default=None, metadata=_PATH)


_KINDS: dict[str, type[Toxic]] = {
    each.kind: each
    for each in (
        Latency, Down, Silent, OneWay, Bandwidth, Reset, Slice, Truncate, Flap, Fail, Garble
    )
}  # fmt: skip


def parse_toxic(mapping: Mapping[str, Any]) -> Toxic:
    """Read a toxic.

    Raises:
        ValueError: it is none, with what is wrong in words.
    """
    kind = mapping.get("kind")
    wanted = _KINDS.get(kind) if isinstance(kind, str) else None
    if wanted is None:
        raise ValueError(f"there is no toxic of kind {kind!r}; one of: {', '.join(_KINDS)}")
    values = {name: value for name, value in mapping.items() if name != "kind"}
    known = {each.name: each.metadata["rule"] for each in fields(wanted)}
    if unknown := sorted(values.keys() - known.keys()):
        raise ValueError(f"`{kind}` has no `{unknown[0]}`; it has: {', '.join(known)}")
    if missing := sorted({each.name for each in fields(wanted) if each.default is MISSING} - values.keys()):
        raise ValueError(f"`{kind}` needs `{missing[0]}`")
    return wanted(**{name: _read(known[name], value) for name, value in values.items()})


def as_mapping(toxic: Toxic) -> dict[str, Any]:
    """Return what `parse_toxic` reads; values that are not set are left out."""
    values = {each.name: getattr(toxic, each.name) for each in fields(toxic)}
    return {"kind": toxic.kind} | {name: value for name, value in values.items() if value is not None}


def _read(rule: Rule, value: Any) -> Any:
    """Turn the name of a choice into the choice; what is none is left for the rule to refuse."""
    if issubclass(rule.type, StrEnum) and isinstance(value, str) and value in list(rule.type):
        return rule.type(value)
    return value
