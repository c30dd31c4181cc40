"""What does the chapter of recovery hold: what each kind of loss costs against its objective, and what backups there are."""

from collections.abc import Iterator, Mapping
from typing import Any

from opsctl.core.units import format_bytes
from opsctl.evidence.model import Record
from opsctl.ui.site import reading
from opsctl.ui.site.cells import age_cell, labels_of, simulated_lines, standing_cell
from opsctl.ui.site.facts import Expected, Facts
from opsctl.ui.site.layout import Cell, Chapter, Notice, Row, Section, Tile, columns, table_of
from opsctl.ui.site.library import Library
from opsctl.ui.site.standing import State
from opsctl.ui.site.stands import paired, stands, stands_if_any

KIND = "dr.drill"
_MOST_BACKUPS = 10


def recovery(facts: Facts, library: Library) -> Chapter:
    """Return the chapter."""
    return Chapter(
        name="recovery",
        title="Recovery",
        lede="What is lost and how long it takes to be back, of losses that were really made. RPO is the work of before the "
        "loss that is gone, RTO the time until readers are served again.",
        sections=(_losses(facts, library), _backups(facts, library), _verifications(facts, library)),
    )


def _losses(facts: Facts, library: Library) -> Section:
    seen = list(paired(KIND, facts))
    titles = columns(
        "Loss", "State", "RPO", "Allowed", "RTO", "Allowed", "Rows lost", "Served", "Drilled",
        numbers=("RPO", "Allowed", "RTO", "Rows lost", "Served"), words=("State", "Drilled"),
    )  # fmt: skip
    rows = tuple(_row(name, book, record, facts, library) for name, book, record in seen)
    return Section(
        title="Losses",
        notices=(Notice(text=f"The books of losses cannot be read, so losses that were never drilled are not shown: {facts.troubles[KIND]}"),)
        if KIND in facts.troubles
        else (),
        note="Served is the share of readers' requests that were answered while it was gone.",
        tiles=tuple(_tiles([record for _, _, record in seen if record], len(seen), facts)),
        tables=table_of("Newest drill of each kind of loss", titles, rows),
        command="opsctl dr drill --profile ci",
        anchor="losses",
    )  # fmt: skip


def _tiles(records: list[Record], known: int, facts: Facts) -> Iterator[Tile]:
    if not records:
        return
    passed = sum(stands(record, facts).state is State.PASS for record in records)
    yield Tile(
        name="Back in time",
        value=f"{passed} of {known}",
        below="kinds of loss",
        ink="good" if passed == known else "doubt",
    )
    for name, word in (("rpo_seconds", "Worst RPO"), ("rto_seconds", "Worst RTO")):
        values = [reading.number(record.figures, name) for record in records]
        known_values = [value for value in values if value is not None]
        if known_values:
            unknown = len(values) - len(known_values)
            below = f"{unknown} not known" if unknown else "over all kinds of loss"
            yield Tile(name=word, value=reading.duration(max(known_values)), below=below)


def _row(name: str, book: Expected | None, record: Record | None, facts: Facts, library: Library) -> Row:
    figures: Mapping[str, Any] = record.figures if record else {}
    details = book.details if book else {}
    below = [book.title] if book and book.title else []
    return Row(
        cells=(
            Cell(
                text=name,
                below=(*below, *(simulated_lines(record) if record else ())),
                href=facts.run_pages.get((KIND, name), ""),
                labels=labels_of(record),
            ),
            standing_cell(record, facts, standing=stands_if_any(record, KIND, facts)),
            _goal_cell(figures, "rpo", missing="not counted" if record else reading.NOTHING),
            Cell(text=_objective(figures, "rpo", details)),
            _goal_cell(figures, "rto", missing="not back" if record else reading.NOTHING),
            Cell(text=_objective(figures, "rto", details)),
            Cell(text=reading.count(figures, "lost")),
            Cell(text=reading.share(figures, "served_while_gone")),
            age_cell(record, facts, library),
        ),
        notes=reading.notes(figures, "reasons"),
    )


def _goal_cell(figures: Mapping[str, Any], name: str, *, missing: str) -> Cell:
    """Return a measured time, in red where it is above its objective or was never reached."""
    value, goal = (reading.number(figures, f"{name}{end}_seconds") for end in ("", "_objective"))
    if value is None:
        return Cell(text=missing, ink="bad" if figures else "")
    return Cell(text=reading.duration(value), ink="bad" if goal is not None and value > goal else "")


def _objective(figures: Mapping[str, Any], name: str, details: Mapping[str, str]) -> str:
    there = reading.seconds(figures, f"{name}_objective_seconds")
    return details.get(name, reading.NOTHING) if there == reading.NOTHING else there


def _backups(facts: Facts, library: Library) -> Section:
    titles = columns("Kind", "State", "Backup", "Size", "Stored", "Collections", "Points", "Made",
                     numbers=("Size", "Stored", "Collections", "Points"), words=("State",))  # fmt: skip
    rows = tuple(
        Row(
            cells=(
                Cell(text=record.subject, below=simulated_lines(record)),
                standing_cell(record, facts),
                Cell(text=reading.text(record.figures, "backup", otherwise=reading.NOTHING),
                     below=tuple(part for part in (reading.text(record.figures, "off-site"),) if part)),
                _size_cell(record.figures, "plain_bytes"),
                _size_cell(record.figures, "stored_bytes"),
                Cell(text=reading.count(record.figures, "collections")),
                Cell(text=reading.count(record.figures, "points")),
                age_cell(record, facts, library),
            )
        )
        for record in facts.survey.of("dr.backup")
    )  # fmt: skip
    return Section(
        title="Backups",
        tables=table_of("Newest backup of each kind", titles, rows),
        command="opsctl dr backup",
        anchor="backups",
    )


def _verifications(facts: Facts, library: Library) -> Section:
    titles = columns("Backup", "State", "Depth", "Size", "Verified", numbers=("Size",), words=("State",))
    records = facts.survey.of("dr.verify")[:_MOST_BACKUPS]
    rows = tuple(
        Row(
            cells=(
                Cell(text=record.subject, below=simulated_lines(record)),
                standing_cell(record, facts),
                Cell(text=reading.text(record.figures, "depth", otherwise=reading.NOTHING)),
                _size_cell(record.figures, "bytes"),
                age_cell(record, facts, library),
            ),
            notes=reading.notes(record.figures, "doubts"),
        )
        for record in records
    )
    return Section(
        title="Verifications",
        note="Whether a backup can be read back; the deepest restores it into a database and compares.",
        tables=table_of(f"The last {len(rows)}", titles, rows),
        command="opsctl dr verify latest",
        anchor="verifications",
    )


def _size_cell(figures: Mapping[str, Any], name: str) -> Cell:
    value = reading.number(figures, name)
    return Cell(text=reading.NOTHING if value is None else format_bytes(value))
