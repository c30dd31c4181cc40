"""Who began which exercise, when, and from which state: a file for each exercise, and its record in the ledger."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from opsctl.clients.files import read_text, write_atomically
from opsctl.core.errors import UsageError
from opsctl.evidence.model import Evidence, Verdict

TRAINING_KIND = "training.exercise"
_VALID_FOR = timedelta(days=365)
"""Practice fades; once a year is what fire drills are held at the least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An exercise that somebody has begun.

    Args:
        exercise: its name.
        digest: of the book as it was then.
        person: who.
        started_at: when.
        sequence: of the newest record of the ledger then; only later ones count.
        facts: what was prepared, such as which alias was deleted.
        hints: how many were given.
        checks: how often it was looked at in vain.
        is_prepared: whether its start came to its end; before that what is asked for may be so by itself.
    """

    exercise: str
    digest: str
    person: str
    started_at: datetime
    sequence: int
    facts: Mapping[str, Any] = field(default_factory=dict)
    hints: int = 0
    checks: int = 0
    is_prepared: bool = False


def read_attempt(folder: Path, exercise: str) -> Attempt | None:
    """Return what was begun; None for an exercise that nobody has begun.

    Raises:
        UsageError: TRN004 the file holds something else.
    """
    path = folder / f"{exercise}.json"
    if not path.exists():
        return None
    try:
        body = json.loads(read_text(path))
        attempt = Attempt(**{**body, "started_at": datetime.fromisoformat(body["started_at"])})
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _no_attempt(path, exercise, str(error).partition("\n")[0]) from error
    seen = (attempt.sequence, attempt.facts, attempt.hints, attempt.person, attempt.is_prepared)
    if tuple(map(type, seen)) != (int, dict, int, str, bool) or attempt.started_at.tzinfo is None:
        raise _no_attempt(path, exercise, "a field is of another kind")
    return attempt


def _no_attempt(path: Path, exercise: str, why: str) -> UsageError:
    return UsageError(
        f"`{path}` is not what `opsctl training start` writes",
        code="TRN004",
        why=why,
        fix=f"begin again: opsctl training start {exercise} --as NAME --again",
    )


def write_attempt(folder: Path, attempt: Attempt) -> None:
    """Keep what was begun."""
    body = asdict(attempt) | {"started_at": attempt.started_at.isoformat()}
    write_atomically(folder / f"{attempt.exercise}.json", json.dumps(body, indent=2, sort_keys=True) + "\n")


def remove_attempt(folder: Path, exercise: str) -> None:
    """Forget what was begun: it is done, and in the ledger."""
    (folder / f"{exercise}.json").unlink(missing_ok=True)


def with_hint(attempt: Attempt) -> Attempt:
    """Return an attempt in which one more hint was given."""
    return replace(attempt, hints=attempt.hints + 1)


def with_check(attempt: Attempt) -> Attempt:
    """Return an attempt that was looked at once more in vain."""
    return replace(attempt, checks=attempt.checks + 1)


def training_evidence(attempt: Attempt, *, now: datetime) -> Evidence:
    """Return the proof that somebody has done an exercise."""
    seconds = max(0.0, (now - attempt.started_at).total_seconds())
    return Evidence(
        kind=TRAINING_KIND,
        subject=attempt.exercise,
        verdict=Verdict.PASS,
        figures={
            "person": attempt.person,
            "seconds": round(seconds, 1),
            "hints": attempt.hints,
            "checks_in_vain": attempt.checks,
        },
        inputs={"exercise": attempt.digest},
        tools={},
        started_at=attempt.started_at,
        duration_seconds=round(seconds, 1),
        valid_for=_VALID_FOR,
    )
