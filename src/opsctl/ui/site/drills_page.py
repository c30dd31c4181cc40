"""What does the chapter of drills hold: what was broken on purpose, whether the service held, and what it cost readers."""

from collections.abc import Iterator, Mapping
from typing import Any

from opsctl.evidence.model import Record
from opsctl.ui.site import reading
from opsctl.ui.site.cells import age_cell, labels_of, said, simulated_lines, standing_cell
from opsctl.ui.site.facts import Expected, Facts
from opsctl.ui.site.layout import Cell, Chapter, Notice, Row, Section, Table, Tile, columns, table_of
from opsctl.ui.site.library import Library
from opsctl.ui.site.standing import State, standing_of
from opsctl.ui.site.stands import paired, stands, stands_if_any

KIND, TEETH = "chaos.drill", "chaos.teeth"
_ORDER = (State.FAIL, State.DISTRUSTED, State.UNKNOWN, State.STALE, State.PASS, State.MISSING, State.WAIVED)


def drills(facts: Facts, library: Library) -> Chapter:
    """Return the chapter."""
    return Chapter(
        name="drills",
        title="Drills",
        lede="What was broken on purpose while readers were served, and whether what was promised held. Figures are those "
        "of the time in which the fault was there.",
        sections=(_held(facts, library), _teeth(facts, library)),
    )


def _held(facts: Facts, library: Library) -> Section:
    seen = sorted(
        paired(KIND, facts),
        key=lambda each: (_ORDER.index(stands_if_any(each[2], KIND, facts).state), each[0]),
    )
    titles = columns(
        "Drill", "State", "Available", "p99", "Detected", "Recovered", "Spent", "Held",
        numbers=("Available", "p99", "Detected", "Recovered", "Spent"), words=("State", "Held"),
    )  # fmt: skip
    rows = tuple(_row(name, book, record, facts, library) for name, book, record in seen)
    return Section(
        title="Drills",
        notices=tuple(_notices(facts)),
        tiles=tuple(_tiles([record for _, _, record in seen if record], len(seen), facts)),
        tables=table_of("Newest time that each was held", titles, rows),
        command="opsctl chaos run --profile ci",
        anchor="held",
    )


def _notices(facts: Facts) -> Iterator[Notice]:
    if KIND in facts.troubles:
        yield Notice(
            text=f"The books of drills cannot be read, so drills that were never held are not shown: {facts.troubles[KIND]}"
        )
    left = [
        f"{record.subject}: {residue}"
        for record in facts.survey.of(KIND)
        if (residue := said(reading.text(record.figures, "residue")))
    ]
    if left:
        yield Notice(text="Something was left behind:", points=tuple(left), ink="bad")


def _tiles(records: list[Record], known: int, facts: Facts) -> Iterator[Tile]:
    if not records:
        return
    held = sum(stands(record, facts).state is State.PASS for record in records)
    yield Tile(
        name="Held",
        value=f"{held} of {known}",
        below="drills, as promised",
        ink="good" if held == known else "doubt",
    )
    failed = sum(standing_of(record, facts).state is State.FAIL for record in records)
    yield Tile(name="Deviated", value=str(failed), ink="bad" if failed else "")
    spent = sum(reading.number(record.figures, "spent_minutes") or 0.0 for record in records)
    yield Tile(name="Spent", value=f"{spent:.1f} min", below="of the error budget, in the newest of each")


def _row(name: str, book: Expected | None, record: Record | None, facts: Facts, library: Library) -> Row:
    figures: Mapping[str, Any] = record.figures if record else {}
    control = reading.text(figures, "control")
    below = [book.title] if book and book.title else []
    below += [f"a control: it must go red ({control})"] if said(control) else []
    return Row(
        cells=(
            Cell(
                text=name,
                below=(*below, *(simulated_lines(record) if record else ())),
                href=facts.run_pages.get((KIND, name), ""),
                labels=labels_of(record),
            ),
            standing_cell(record, facts, standing=stands_if_any(record, KIND, facts)),
            Cell(text=reading.share(figures, "availability")),
            Cell(text=reading.seconds(figures, "p99_seconds")),
            Cell(text=reading.seconds(figures, "detected_seconds")),
            Cell(text=reading.seconds(figures, "recovered_seconds")),
            Cell(text=_minutes(figures)),
            age_cell(record, facts, library),
        ),
        notes=reading.notes(figures, "reasons"),
    )


def _minutes(figures: Mapping[str, Any]) -> str:
    spent = reading.number(figures, "spent_minutes")
    return reading.NOTHING if spent is None else f"{spent:.2f} min"


def _teeth(facts: Facts, library: Library) -> Section:
    record = facts.survey.last(TEETH)
    if record is None:
        return Section(title="Would the drills notice", command="opsctl chaos teeth")
    figures = record.figures
    names = columns(
        "Drills", "State", "Mutants", "Noticed", "When", numbers=("Mutants", "Noticed"), words=("State",)
    )
    row = Row(
        cells=(
            Cell(text="services that were broken on purpose", below=simulated_lines(record),
                 labels=labels_of(record)),
            standing_cell(record, facts),
            Cell(text=reading.count(figures, "mutants")),
            Cell(text=reading.share(figures, "noticed_share")),
            age_cell(record, facts, library),
        )
    )  # fmt: skip
    return Section(
        title="Would the drills notice",
        note="Protections were taken out one by one; a drill that stays green then proves nothing.",
        tables=(Table(caption="Newest try", columns=names, rows=(row,)),),
        anchor="teeth",
    )
