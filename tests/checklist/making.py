"""Books, records and a project for tests of the checklist, each with as little as possible."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from opsctl.checklist.book import ChecklistBook
from opsctl.checklist.signing import item_digest
from opsctl.evidence.model import Record, Verdict

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
COMMIT = "a" * 40
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Project:
    """What the project is now (`checklist.model.Present`)."""

    def __init__(
        self,
        *,
        commit: str | None = COMMIT,
        changed: Sequence[str] | None = (),
        digests: Mapping[tuple[str, str, str], str] | None = None,
    ) -> None:
        self._commit, self._changed, self._digests = commit, changed, digests or {}

    def commit(self) -> str | None:
        """Return the commit."""
        return self._commit

    def changed_since(self, commit: str, paths: Sequence[str]) -> Sequence[str] | None:
        """Return which of the changed files lie below the paths."""
        assert commit
        if self._changed is None:
            return None
        return [each for each in self._changed if any(each.startswith(path) for path in paths)]

    def digest(self, kind: str, subject: str, name: str) -> str | None:
        """Return the digest that was given."""
        return self._digests.get((kind, subject, name))


def record(kind: str, subject: str, *, sequence: int = 1, ago: timedelta = HOUR, **values: Any) -> Record:
    """Return a record of the ledger that counts for a week."""
    at = NOW - ago
    return Record(
        sequence=sequence,
        id=f"{at:%Y%m%dT%H%M%S}-{sequence:05d}",
        kind=kind,
        subject=subject,
        verdict=values.get("verdict", Verdict.PASS),
        figures=values.get("figures", {}),
        inputs=values.get("inputs", {}),
        tools={},
        git_commit=values.get("commit", COMMIT),
        started_at=at,
        duration_seconds=values.get("seconds", 30.0),
        recorded_at=at,
        expires_at=at + values.get("valid_for", 7 * DAY),
        simulated=values.get("simulated", ()),
        digest=f"digest of {sequence}",
    )


def book_of(**item: Any) -> ChecklistBook:
    """Return a book with one item."""
    return book(items={"CHK001": {"name": "load", "title": "The load holds", "why": "Readers."} | item})


def book(**parts: Any) -> ChecklistBook:
    """Return a book with three people."""
    people = {
        "ann": {"name": "Ann", "role": "lead"},
        "bob": {"name": "Bob", "role": "lead"},
        "cyd": {"name": "Cyd", "role": "operations"},
    }
    return ChecklistBook.model_validate({"accounts": people, "waivers": {"roles": ["lead"]}} | parts)


def signed(
    chosen: ChecklistBook, account: str, *, code: str = "CHK001", kind: str = "sign", **values: Any
) -> Record:
    """Return a signature, or a waiver, of an item as the book has it."""
    user = {"user": account, "host": "desk"}
    figures = {"account": account, "name": account.title(), "note": "", "reason": "later"} | user
    inputs = {"item": item_digest(chosen.items[code])}
    return record(f"checklist.{kind}", code, **({"figures": figures, "inputs": inputs} | values))
