"""What one proof consists of: an evidence record, and the hash that chains it to the one before."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

GENESIS = "0" * 64
"""What the first record of a ledger names as the hash before it."""


# Clocks of machines differ, and one that is set right goes back a little; a record of tomorrow is none of today.
_MOST_AHEAD = timedelta(minutes=5)


class Verdict(StrEnum):
    """What a measurement concluded; `inconclusive` never counts as a pass."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a command wants recorded; the ledger adds sequence, time and hashes.

    Args:
        kind: what was done, such as `collections.rebuild`.
        subject: what it was done to, such as `au_photographers_quality`.
        verdict: the conclusion.
        figures: numbers and short texts that were measured.
        inputs: name to SHA-256 of what went in (books, data).
        tools: name to version of what did the work.
        started_at: when it began.
        duration_seconds: how long it took.
        valid_for: after this time the record is stale.
        simulated: what part was simulated, empty when all of it was real.
    """

    kind: str
    subject: str
    verdict: Verdict
    figures: Mapping[str, Any]
    inputs: Mapping[str, str]
    tools: Mapping[str, str]
    started_at: datetime
    duration_seconds: float
    valid_for: timedelta = timedelta(days=7)
    simulated: tuple[str, ...] = ()
    git_commit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One line of the ledger."""

    sequence: int
    id: str
    kind: str
    subject: str
    verdict: Verdict
    figures: Mapping[str, Any]
    inputs: Mapping[str, str]
    tools: Mapping[str, str]
    git_commit: str | None
    started_at: datetime
    duration_seconds: float
    recorded_at: datetime
    expires_at: datetime
    simulated: tuple[str, ...] = ()
    previous: str = GENESIS
    digest: str = field(default="")

    def is_stale(self, now: datetime) -> bool:
        """Tell whether the record no longer counts."""
        return now >= self.expires_at

    def is_of_the_future(self, now: datetime) -> bool:
        """Tell whether the record says that it was made later than now: nobody knows how long such a one holds."""
        return self.recorded_at > now + _MOST_AHEAD

    def to_line(self) -> bytes:
        """Return the record as one line of JSON, digest included."""
        return (canonical_json(_plain(self)) + "\n").encode()

    def computed_digest(self) -> str:
        """Return the SHA-256 of everything in the record but its own digest."""
        body = _plain(self)
        del body["digest"]
        return hashlib.sha256(canonical_json(body).encode()).hexdigest()


def record_from_line(line: bytes) -> Record:
    """Read a record back.

    Raises:
        ValueError: when the line is not a whole record of this version.
    """
    try:
        body = json.loads(line)
        moments = {name: _moment(body[name]) for name in ("started_at", "recorded_at", "expires_at")}
        others = {"verdict": Verdict(body["verdict"]), "simulated": tuple(body["simulated"])}
        _require_shape(body)
        return Record(**(body | moments | others))
    except (KeyError, TypeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"not a whole evidence record: {error}") from error


def _require_shape(body: Mapping[str, Any]) -> None:
    """Refuse a record whose parts are of other kinds than those that are written."""
    expected: dict[type, tuple[str, ...]] = {
        int: ("sequence",),
        dict: ("figures", "inputs", "tools"),
        str: ("id", "kind", "subject", "previous", "digest"),
    }
    for kind, names in expected.items():
        for name in names:
            if type(body[name]) is not kind:
                raise TypeError(f"`{name}` is no {kind.__name__}")


def canonical_json(value: Any) -> str:
    """Return JSON with sorted keys and no spaces: equal values give equal text.

    Raises:
        ValueError: for NaN and infinities, which JSON has no word for.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest_of(value: Any) -> str:
    """Return the SHA-256 of a value's canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def _plain(record: Record) -> dict[str, Any]:
    body = asdict(record)
    for name in ("started_at", "recorded_at", "expires_at"):
        body[name] = body[name].astimezone(UTC).isoformat()
    return body


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"`{text}` has no time zone")
    return moment
