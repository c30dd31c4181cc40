"""What does the chapter of alerts hold: every rule with its newest proof, those that were never proven first."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from opsctl.evidence.model import Record
from opsctl.ui.site import reading
from opsctl.ui.site.cells import age_cell, labels_of, said, simulated_lines, standing_cell
from opsctl.ui.site.facts import Expected, Facts
from opsctl.ui.site.layout import Cell, Chapter, Notice, Row, Section, Table, Tile, columns, table_of
from opsctl.ui.site.library import Library
from opsctl.ui.site.standing import Standing, State, standing_of
from opsctl.ui.site.stands import stands_if_any

KIND, QUIET = "alerts.prove", "null drill"
_ORDER = (
    State.MISSING,
    State.FAIL,
    State.DISTRUSTED,
    State.UNKNOWN,
    State.STALE,
    State.WAIVED,
    State.PASS,
)


@dataclass(frozen=True, slots=True)
class _Seen:
    """An alert, its newest proof, and how that stands for the rule as it is now."""

    name: str
    expected: Expected | None
    record: Record | None
    standing: Standing


def alerts(facts: Facts, library: Library) -> Chapter:
    """Return the chapter."""
    return Chapter(
        name="alerts",
        title="Alerts",
        lede="Whether each alert fires and arrives in time, shown by a fault that was really made. Predicted is what the "
        "rule's own windows give, measured what the proof saw, allowed what the book promises.",
        sections=(_proofs(facts, library), _tests(facts, library)),
    )


def _proofs(facts: Facts, library: Library) -> Section:
    seen = sorted(_seen(facts), key=lambda each: (_ORDER.index(each.standing.state), each.name))
    names = columns(
        "Alert", "State", "Seen", "Predicted", "Measured", "Allowed", "Proven",
        numbers=("Predicted", "Measured", "Allowed"), words=("State", "Proven"),
    )  # fmt: skip
    rows = tuple(_row(each, facts, library) for each in seen)
    return Section(
        title="Proofs",
        notices=tuple(_notices(facts)),
        tiles=tuple(_tiles(seen, facts)),
        tables=table_of("Every alert with its newest proof", names, rows),
        command="opsctl alerts prove",
        anchor="proofs",
    )


def _seen(facts: Facts) -> Iterator[_Seen]:
    proofs = facts.survey.newest.get(KIND, {})
    expected = {each.name: each for each in facts.expected.get(KIND, ())}
    for name in dict.fromkeys((*expected, *(each for each in proofs if each != QUIET))):
        record, rule = proofs.get(name), expected.get(name)
        yield _Seen(name, rule, record, stands_if_any(record, KIND, facts))


def _notices(facts: Facts) -> Iterator[Notice]:
    if KIND in facts.troubles:
        yield Notice(
            text=f"The alert books cannot be read, so alerts without a proof are not shown: {facts.troubles[KIND]}"
        )
    quiet = facts.survey.newest.get(KIND, {}).get(QUIET)
    if quiet is None:
        return
    fired = said(reading.text(quiet.figures, "fired"))
    lasted = reading.seconds(quiet.figures, "quiet_seconds")
    if fired:
        yield Notice(text=f"While nothing was broken, {fired} fired all the same.", ink="bad")
    elif standing_of(quiet, facts).state is State.PASS:
        yield Notice(text=f"While nothing was broken, nothing fired in {lasted}.", ink="good")


def _tiles(seen: list[_Seen], facts: Facts) -> Iterator[Tile]:
    if not seen:
        return
    proven = sum(each.standing.state is State.PASS for each in seen)
    never = sum(each.record is None for each in seen)
    ink = "good" if proven == len(seen) else "doubt"
    yield Tile(
        name="Proven", value=f"{proven} of {len(seen)}", below="alerts, for their rule as it is", ink=ink
    )
    if KIND in facts.expected:
        yield Tile(name="Never proven", value=str(never), ink="doubt" if never else "")
    late = sum(_is_late(each.record.figures) for each in seen if each.record)
    yield Tile(name="Too late", value=str(late), below="measured above allowed", ink="bad" if late else "")


def _is_late(figures: Mapping[str, Any]) -> bool:
    measured, allowed = (reading.number(figures, f"{name}_seconds") for name in ("measured", "allowed"))
    return measured is not None and allowed is not None and measured > allowed


def _row(each: _Seen, facts: Facts, library: Library) -> Row:
    figures: Mapping[str, Any] = each.record.figures if each.record else {}
    details = each.expected.details if each.expected else {}
    severity = reading.text(figures, "severity") or details.get("severity", "")
    return Row(
        cells=(
            Cell(
                text=each.name,
                below=(severity, *(simulated_lines(each.record) if each.record else ())),
                labels=labels_of(each.record),
            ),
            standing_cell(each.record, facts, standing=each.standing),
            Cell(text=reading.text(figures, "level").replace("_", " ") or reading.NOTHING, below=tuple(_how(figures, details))),
            Cell(text=_seconds(figures, "predicted_seconds", details)),
            Cell(text=reading.seconds(figures, "measured_seconds"), ink="bad" if _is_late(figures) else ""),
            Cell(text=_seconds(figures, "allowed_seconds", details)),
            age_cell(each.record, facts, library),
        ),
        notes=reading.notes(figures, "problems"),
    )  # fmt: skip


def _how(figures: Mapping[str, Any], details: Mapping[str, str]) -> Iterator[str]:
    """Yield by which fault it is raised, and who is told."""
    fault = said(reading.text(figures, "fault")) or details.get("drill", "")
    if fault:
        yield f"by {fault}"
    yield f"tells {said(reading.text(figures, 'receivers')) or details.get('receivers', '') or 'nobody'}"


def _seconds(figures: Mapping[str, Any], name: str, details: Mapping[str, str]) -> str:
    shown_there = reading.seconds(figures, name)
    return details.get(name, reading.NOTHING) if shown_there == reading.NOTHING else shown_there


def _tests(facts: Facts, library: Library) -> Section:
    record = facts.survey.last("alerts.test")
    if record is None:
        return Section(title="Unit tests of the rules", command="opsctl alerts test")
    figures = record.figures
    names = columns("Tested", "State", "Alerts", "Cases", "Failures", "Mutants", "Noticed", "When",
                    numbers=("Alerts", "Cases", "Failures", "Mutants", "Noticed"), words=("State",))  # fmt: skip
    row = Row(
        cells=(
            Cell(text=record.subject),
            standing_cell(record, facts),
            *(Cell(text=reading.count(figures, name)) for name in ("alerts", "cases", "failures", "mutants")),
            Cell(text=reading.share(figures, "mutation_score")),
            age_cell(record, facts, library),
        )
    )
    return Section(
        title="Unit tests of the rules",
        note="Each rule against made series, on both sides of its threshold; mutants are rules that were broken on purpose, and must be noticed.",
        tables=(Table(caption="Newest run", columns=names, rows=(row,)),),
        anchor="tests",
    )
