"""Which cells do the tables of all chapters share: a proof's name, how it stands, how old it is, and what of it was simulated."""

from collections.abc import Sequence

from opsctl.evidence.model import Record
from opsctl.ui.site.facts import Facts
from opsctl.ui.site.layout import Cell, Row
from opsctl.ui.site.library import Library
from opsctl.ui.site.reading import cut, simulated_of
from opsctl.ui.site.standing import Standing, age_text, standing_of

_SAID = "none"
"""What figures hold where there is nothing to be said."""


def subject_cell(record: Record, facts: Facts, *, below: Sequence[str] = ()) -> Cell:
    """Return whose proof it is, with a link to the page of its newest run where there is one."""
    return Cell(
        text=cut(record.subject, most=200),
        below=(*below, *simulated_lines(record)),
        href=facts.run_pages.get((record.kind, record.subject), ""),
        labels=labels_of(record),
    )


def simulated_lines(record: Record) -> tuple[str, ...]:
    """Return what of a proof was simulated, as one line."""
    parts = simulated_of(record)
    return (f"simulated: {', '.join(parts)}",) if parts else ()


def labels_of(record: Record | None) -> tuple[str, ...]:
    """Return the label that nobody may overlook."""
    return ("simulated",) if record is not None and simulated_of(record) else ()


def standing_cell(record: Record | None, facts: Facts, *, standing: Standing | None = None) -> Cell:
    """Return how a proof stands."""
    return Cell(standing=standing or standing_of(record, facts))


def age_cell(record: Record | None, facts: Facts, library: Library) -> Cell:
    """Return how old a proof is, until when it counts, and where its record stands."""
    if record is None:
        return Cell(text="never")
    word = "went stale" if record.is_stale(facts.now) else "counts until"
    return Cell(
        text=f"{age_text(record.recorded_at, now=facts.now)} ago",
        below=(f"{word} {record.expires_at:%Y-%m-%d}",),
        href=library.place(record),
    )


def proof_row(
    record: Record,
    facts: Facts,
    library: Library,
    *cells: Cell | str,
    standing: Standing | None = None,
    below: Sequence[str] = (),
    notes: tuple[str, ...] = (),
) -> Row:
    """Return the row of one proof: whose it is and how it stands, then its own cells, and its age at the end."""
    own = (cell if isinstance(cell, Cell) else Cell(text=cell) for cell in cells)
    return Row(
        cells=(
            subject_cell(record, facts, below=below),
            standing_cell(record, facts, standing=standing),
            *own,
            age_cell(record, facts, library),
        ),
        notes=notes,
    )


def said(text: str) -> str:
    """Return a text of figures; nothing where it only says that there is nothing."""
    return "" if text in (_SAID, "nothing", "-") else text


def record_link(record: Record, library: Library) -> tuple[str, str] | None:
    """Return where a record stands and how it is called; None where the site does not hold it."""
    place = library.place(record)
    return (place, f"record {record.sequence}") if place else None
