"""Why is a target missed, as far as somebody has found out and written it down?"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from tests.benchmarks.rows import Row, Verdict

CAUSES = Path(__file__).with_name("causes.yaml")
UNKNOWN = "no cause is known yet"
Causes = Mapping[tuple[str, str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """A row that missed its target, or whose interval cannot tell, and why."""

    row: Row
    cause: str | None


def read_causes(path: Path = CAUSES) -> Causes:
    """Return the causes by benchmark and what was measured."""
    book = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    return {
        (benchmark, what): " ".join(str(cause).split())
        for benchmark, causes in book.items()
        for what, cause in causes.items()
    }


def missed(rows: Iterable[Row], causes: Causes) -> list[Missed]:
    """Return what is missed, each with its cause where one is written."""
    return [
        Missed(row=row, cause=causes.get((row.benchmark, row.what)))
        for row in rows
        if row.verdict is Verdict.MISSED
    ]


def unmet(rows: Iterable[Row], causes: Causes) -> list[str]:
    """Return the causes of what no row is of, by name: a slip of the pen, or a figure that has another name now."""
    told = {(row.benchmark, row.what) for row in rows}
    return [f"{benchmark}: {what}" for benchmark, what in causes if (benchmark, what) not in told]


def stale(rows: Iterable[Row], causes: Causes) -> list[str]:
    """Return the causes of targets that are held, by name; of what was not measured nothing is said."""
    told = {(row.benchmark, row.what): row.verdict for row in rows}
    return [
        f"{benchmark}: {what}"
        for benchmark, what in causes
        if told.get((benchmark, what), Verdict.MISSED) not in (Verdict.MISSED, Verdict.CANNOT_TELL)
    ]
