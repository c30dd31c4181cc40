"""Which derived collections are meant, and what became of each when several are worked on?"""

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from opsctl.core.errors import OpsError, RefusedError, UsageError
from opsctl.core.events import Listener, Noted
from opsctl.qdrant_collections.model import CollectionsBook
from opsctl.qdrant_collections.store import VectorStore

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


def expected_names(
    book: CollectionsBook,
    names: Sequence[str],
    *,
    store: VectorStore,
    listener: Listener,
    counts: bool = False,
) -> tuple[str, ...]:
    """Return the names to work on, without those that the book lets be absent and that are not there.

    Args:
        book: the book.
        names: those given by the user, who then means them; all of the book when empty.
        store: where to look.
        listener: told what is left out.
        counts: look whether the source has points for an absent one, which can then be built.

    Raises:
        UsageError: as `chosen_names`.
        RefusedError: COL017 when nothing is left to work on.
    """
    chosen = chosen_names(book, names)
    if names:
        return chosen
    live = store.aliases()
    absent = [name for name in chosen if book.derived[name].when_empty == "skip" and name not in live]
    skipped = [name for name in absent if not (counts and _has_points(book, name, store=store))]
    for name in skipped:
        why = f"left out: no point passes `{book.derived[name].filter}`" if counts else "left out: not built"
        listener(Noted(subject=name, message=why))
    if len(skipped) == len(chosen):
        raise RefusedError(
            "no point of the source passes the filter of any derived collection",
            code="COL017",
            why="all of the book are `when_empty: skip`",
            fix="fill the source first: `opsctl catalog generate` or `opsctl catalog import FILE`",
        )
    return tuple(name for name in chosen if name not in skipped)


def _has_points(book: CollectionsBook, name: str, *, store: VectorStore) -> bool:
    source = book.source.collection
    if source not in store.collections() and source not in store.aliases():
        return True  # the preflight says what is wrong with the source
    return store.count(source, filter=book.derived[name].filter.to_qdrant()) > 0


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
