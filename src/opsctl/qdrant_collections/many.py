"""Which derived collections are meant, and what became of each when several are worked on?"""

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from opsctl.core.errors import OpsError, UsageError
from opsctl.qdrant_collections.model import CollectionsBook

Report = TypeVar("Report")


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why one of several could not be worked on."""

    alias: str
    error: OpsError


@dataclass(frozen=True, slots=True, kw_only=True)
class Results(Generic[Report]):
    """The reports of those that went through, and the failures of those that did not."""

    reports: tuple[Report, ...]
    failures: tuple[Failure, ...]

    def raise_first(self) -> None:
        """Raise the first failure, if there is one."""
        if self.failures:
            raise self.failures[0].error


def chosen_names(book: CollectionsBook, names: Sequence[str]) -> tuple[str, ...]:
    """Return the names to work on: those given, or all of the book.

    Raises:
        UsageError: when the book has no derived collection of that name, or none at all.
    """
    if not names and not book.derived:
        raise UsageError(
            "the book has no derived collection",
            code="COL027",
            fix="add one under `derived` in `ops/collections.yaml`",
        )
    for name in names:
        if name not in book.derived:
            close = difflib.get_close_matches(name, book.derived, n=1)
            known = ", ".join(book.derived) or "none"
            hint = f"did you mean `{close[0]}`?" if close else f"the book has: {known}"
            raise UsageError(f"the book has no derived collection `{name}`", code="COL027", fix=hint)
    return tuple(dict.fromkeys(names or book.derived))


def each_of(names: Iterable[str], work: Callable[[str], Report]) -> Results[Report]:
    """Work on each name; one that fails does not keep the others back."""
    reports: list[Report] = []
    failures: list[Failure] = []
    for name in names:
        try:
            reports.append(work(name))
        except OpsError as error:
            failures.append(Failure(alias=name, error=error))
    return Results(reports=tuple(reports), failures=tuple(failures))
