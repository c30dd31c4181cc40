"""What is kept of an exercise that somebody has begun."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from opsctl.core.errors import UsageError
from opsctl.evidence.model import Verdict
from opsctl.training.attempt import (
    Attempt,
    read_attempt,
    training_evidence,
    with_check,
    with_hint,
    write_attempt,
)

BEGAN = datetime(2026, 11, 29, 10, tzinfo=UTC)
ATTEMPT = Attempt(
    exercise="alias_lost", digest="d" * 64, person="anna", started_at=BEGAN, sequence=7, facts={"alias": "a"}
)


def test_what_was_begun_is_read_back(tmp_path: Path):
    """Nothing where nobody has begun."""
    assert read_attempt(tmp_path, "alias_lost") is None

    write_attempt(tmp_path, ATTEMPT)

    assert read_attempt(tmp_path, "alias_lost") == ATTEMPT


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "{}", '{"started_at": "never"}', "nul" * 40_000, "[" * 100_000),
        '{"exercise":"a","digest":"d","person":"p","started_at":"2026-11-29T10:00:00","sequence":1}',
        '{"exercise":"a","digest":"d","person":"p","started_at":"2026-11-29T10:00:00Z","sequence":"1"}',
    ],
)
def test_a_file_that_somebody_has_edited_is_refused(tmp_path: Path, text: str):
    """With the way to begin anew."""
    (tmp_path / "a.json").write_text(text)

    with pytest.raises(UsageError) as error:
        read_attempt(tmp_path, "a")

    assert error.value.code == "TRN004"
    assert "--again" in str(error.value.fix)


def test_the_evidence_says_who_and_how_long_and_with_how_many_hints():
    """A clock that was set back makes no negative time."""
    attempt = with_check(with_hint(with_hint(ATTEMPT)))
    evidence = training_evidence(attempt, now=BEGAN + timedelta(minutes=5))

    assert (evidence.kind, evidence.subject, evidence.verdict) == (
        "training.exercise",
        "alias_lost",
        Verdict.PASS,
    )
    assert evidence.figures == {"person": "anna", "seconds": 300.0, "hints": 2, "checks_in_vain": 1}
    assert training_evidence(attempt, now=BEGAN - timedelta(hours=1)).figures["seconds"] == 0.0
