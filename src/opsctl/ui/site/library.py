"""On which page of the site is a record found: the last ones, the newest of each subject, and those that others rest on."""

from collections.abc import Mapping
from dataclasses import dataclass

from opsctl.evidence.model import Record
from opsctl.ui.site.facts import Facts

RECORDS_A_PAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """The records that the site holds, in pages, the newest first; `places` says by id where each stands."""

    shelves: tuple[tuple[Record, ...], ...]
    places: Mapping[str, str]

    def place(self, record: Record | None) -> str:
        """Return where a link to a record leads; nothing where the site does not hold it."""
        return "" if record is None else self.places.get(record.id, "")


def library_of(facts: Facts) -> Library:
    """Return which records the site holds, and where."""
    newest = (record for subjects in facts.survey.newest.values() for record in subjects.values())
    held = {each.sequence: each for each in (*newest, *facts.survey.recent, *facts.cited.values())}
    ordered = [held[sequence] for sequence in sorted(held, reverse=True)]
    shelves = tuple(
        tuple(ordered[start : start + RECORDS_A_PAGE])
        for start in range(0, max(1, len(ordered)), RECORDS_A_PAGE)
    )
    places = {
        record.id: f"{page_name(number)}.html#{anchor(record)}"
        for number, shelf in enumerate(shelves, start=1)
        for record in shelf
    }
    return Library(shelves=shelves, places=places)


def page_name(number: int) -> str:
    """Return the name of a page of records, counted from one."""
    return "evidence" if number == 1 else f"evidence-{number}"


def anchor(record: Record) -> str:
    """Return what a link to a record names on its page."""
    return f"record-{record.sequence}"
