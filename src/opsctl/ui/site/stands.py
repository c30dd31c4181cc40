"""How does a proof stand for the book as it is now: one of an older book, or of none at all, is no longer a proof of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from opsctl.evidence.model import Record
from opsctl.ui.site.facts import Expected, Facts
from opsctl.ui.site.standing import Standing, State, shown, standing_of


@dataclass(frozen=True, slots=True)
class _Books:
    """Of a kind of evidence: the input that is the digest of its book, and what is said of the state of a proof.

    `orphan` is empty where a proof may be of something that stands in no book, such as a drill from a file.
    """

    input: str
    older: str
    missing: str
    orphan: str = ""


_BOOKS: Mapping[str, _Books] = {
    "alerts.prove": _Books("rule", "of an older rule", "never proven", "no such rule now"),
    "chaos.drill": _Books("drill", "of an older book", "never held"),
    "dr.drill": _Books("book", "of an older book", "never drilled"),
    "experiments.analyze": _Books("experiment", "of an older book", "never analysed"),
}
_OF_NO_BOOK = frozenset({"null drill"})


def stands(record: Record, facts: Facts) -> Standing:
    """Return how a record stands, its book considered; it only ever gets worse by that."""
    standing, books = standing_of(record, facts), _BOOKS.get(record.kind)
    if standing.state is not State.PASS or books is None or record.kind not in facts.expected:
        return standing
    expected = expected_of(record.kind, record.subject, facts)
    if expected is None:
        is_orphan = books.orphan and record.subject not in _OF_NO_BOOK
        return shown(State.STALE, word=books.orphan) if is_orphan else standing
    if expected.digest and record.inputs.get(books.input) != expected.digest:
        return shown(State.STALE, word=books.older)
    return standing


def stands_if_any(record: Record | None, kind: str, facts: Facts) -> Standing:
    """Return how a proof stands, or that there is none."""
    return shown(State.MISSING, word=_BOOKS[kind].missing) if record is None else stands(record, facts)


def paired(kind: str, facts: Facts) -> Iterator[tuple[str, Expected | None, Record | None]]:
    """Yield every subject that has a proof or stands in a book, with what its book says and its newest proof."""
    proofs = facts.survey.newest.get(kind, {})
    expected = {each.name: each for each in facts.expected.get(kind, ())}
    for name in dict.fromkeys((*proofs, *expected)):
        yield name, expected.get(name), proofs.get(name)


def expected_of(kind: str, name: str, facts: Facts) -> Expected | None:
    """Return what the books say of a subject; None where they say nothing."""
    return next((each for each in facts.expected.get(kind, ()) if each.name == name), None)
