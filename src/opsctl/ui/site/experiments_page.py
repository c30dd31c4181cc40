"""What does the chapter of experiments hold: each verdict with the effects behind it, and whether its methods are certified."""

from collections.abc import Iterator, Mapping
from typing import Any

from opsctl.evidence.model import Record
from opsctl.ui.figures import significant
from opsctl.ui.site import reading
from opsctl.ui.site.cells import age_cell, labels_of, proof_row, simulated_lines, standing_cell
from opsctl.ui.site.facts import Facts
from opsctl.ui.site.layout import Cell, Chapter, Notice, Row, Section, columns, table_of
from opsctl.ui.site.library import Library
from opsctl.ui.site.standing import Standing, State, shown, standing_of
from opsctl.ui.site.stands import stands, stands_if_any

ANALYSIS = "experiments.analyze"
_MOST_EFFECTS = 12


def experiments(facts: Facts, library: Library) -> Chapter:
    """Return the chapter."""
    return Chapter(
        name="experiments",
        title="Experiments",
        lede="What readers made of it. A verdict is the one that the book wrote down before; what was simulated says how the "
        "method works, and nothing about real readers.",
        sections=(
            _verdicts(facts, library),
            _effects(facts),
            _readers(facts, library),
            _simulations(facts, library),
            _replays(facts, library),
            _certificates(facts, library),
        ),
    )


def _verdicts(facts: Facts, library: Library) -> Section:
    titles = columns(
        "Experiment", "State", "Verdict", "Units", "Why", "Analysed", numbers=("Units",), words=("State",)
    )
    rows = [_verdict_row(record, facts, library) for record in facts.survey.of(ANALYSIS)]
    known = facts.survey.newest.get(ANALYSIS, {})
    rows += [
        Row(cells=(Cell(text=each.name, below=(each.title,) if each.title else ()),
                   Cell(standing=stands_if_any(None, ANALYSIS, facts)),
                   *(Cell() for _ in range(3)), Cell(text="never")))
        for each in facts.expected.get(ANALYSIS, ())
        if each.name not in known
    ]  # fmt: skip
    return Section(
        title="Verdicts",
        notices=(Notice(text=f"The books of experiments cannot be read: {facts.troubles[ANALYSIS]}"),)
        if ANALYSIS in facts.troubles
        else (),
        tables=table_of("Newest analysis of each", titles, rows),
        command="opsctl experiments analyze",
        anchor="verdicts",
    )


def _verdict_row(record: Record, facts: Facts, library: Library) -> Row:
    figures = record.figures
    arm = reading.text(figures, "arm", otherwise="none")
    outcome = reading.text(figures, "outcome", otherwise=reading.NOTHING).replace("_", " ")
    units = [
        value
        for name in reading.part(figures, "units")
        if (value := reading.number(reading.part(figures, "units"), name)) is not None
    ]
    reasons = reading.names(figures, "reasons")
    return proof_row(
        record, facts, library,
        outcome if arm == "none" else f"{outcome} `{arm}`",
        f"{sum(units):,.0f}" if units else reading.NOTHING,
        Cell(text=reasons[0] if reasons else "", below=reasons[1:3]),
        standing=stands(record, facts),
    )  # fmt: skip


def _effects(facts: Facts) -> Section:
    titles = columns("Experiment", "Metric", "Arm", "Effect")
    rows = tuple(row for record in facts.survey.of(ANALYSIS) for row in _effect_rows(record))
    return Section(
        title="Effects",
        note="Against the control, with the interval of the stopping rule.",
        tables=table_of("By metric and arm", titles, rows),
        command="opsctl experiments analyze",
        anchor="effects",
    )


def _effect_rows(record: Record) -> Iterator[Row]:
    effects = reading.part(record.figures, "effects")
    for name in list(effects)[:_MOST_EFFECTS]:
        metric, _, arm = name.partition("/")
        yield Row(
            cells=(
                Cell(text=record.subject, labels=labels_of(record)),
                Cell(text=metric),
                Cell(text=arm),
                Cell(text=reading.text(effects, name, otherwise=reading.NOTHING)),
            )
        )


def _readers(facts: Facts, library: Library) -> Section:
    titles = columns(
        "Measure", "State", "Value", "Of", "Measured", numbers=("Value", "Of"), words=("State", "Measured")
    )
    rows = (
        proof_row(
            record, facts, library,
            reading.figure(record.figures, "value"),
            Cell(text=reading.count(record.figures, "number"), below=(f"real ones: {reading.count(record.figures, 'real_number')}",)),
            standing=_measured(record, facts),
            notes=reading.notes(record.figures, "definition"),
        )
        for record in facts.survey.of("readers.measure")
    )  # fmt: skip
    return Section(
        title="What readers think of it",
        note="Whether a value is enough, the checklist says.",
        tables=table_of("Newest of each measure", titles, rows),
        command="opsctl experiments readers",
        anchor="readers",
    )


def _measured(record: Record, facts: Facts) -> Standing:
    """Return how a measurement stands: that there is a value does not mean that it is enough."""
    standing = standing_of(record, facts)
    return shown(standing.state, word="measured") if standing.state is State.PASS else standing


def _simulations(facts: Facts, library: Library) -> Section:
    titles = columns(
        "Experiment", "State", "Worlds", "Not robust", "Simulated", numbers=("Worlds",), words=("State",)
    )
    rows = (
        proof_row(
            record, facts, library,
            reading.count(record.figures, "worlds"),
            ", ".join(reading.names(record.figures, "not_robust")) or "none found",
        )
        for record in facts.survey.of("experiments.simulate")
    )  # fmt: skip
    return Section(
        title="Simulations",
        note="The same experiment in made worlds in which the true effect is known.",
        tables=table_of("Newest study of each", titles, rows),
        command="opsctl experiments simulate",
        anchor="simulations",
    )


def _replays(facts: Facts, library: Library) -> Section:
    titles = columns("Log", "State", "Rows", "Value as logged", "Policies", "Replayed",
                     numbers=("Rows", "Value as logged"), words=("State",))  # fmt: skip
    rows = (
        proof_row(
            record, facts, library,
            reading.count(record.figures, "rows"),
            reading.figure(record.figures, "logged_value"),
            "; ".join(_policies(record.figures)) or reading.NOTHING,
            below=(reading.text(record.figures, "is"),),
        )
        for record in facts.survey.of("experiments.replay")
    )  # fmt: skip
    return Section(
        title="Replays of logs",
        note="What other policies would have earned on readers who were really there.",
        tables=table_of("Newest replay of each log", titles, rows),
        command="opsctl experiments replay LOG",
        anchor="replays",
    )


def _policies(figures: Mapping[str, Any]) -> Iterator[str]:
    policies = reading.part(figures, "policies")
    for name in policies:
        value = reading.number(reading.part(policies, name), "value")
        yield f"{name} {reading.NOTHING if value is None else significant(value)}"


def _certificates(facts: Facts, library: Library) -> Section:
    titles = columns("Method", "State", "Kept", "Not kept", "Certified", words=("State",))
    rows = tuple(
        Row(
            cells=(
                Cell(text=record.subject, below=simulated_lines(record)),
                standing_cell(record, facts),
                *(Cell(text=", ".join(_promises(record.figures, kept=kept)) or reading.NOTHING) for kept in (True, False)),
                age_cell(record, facts, library),
            )
        )
        for record in facts.survey.of("experiments.certificate")
    )  # fmt: skip
    return Section(
        title="Certificates of the statistics",
        note="Whether each method keeps its error rates, counted over thousands of experiments whose truth is known.",
        tables=table_of("Newest of each method", titles, rows),
        command="opsctl experiments certify",
        anchor="certificates",
    )


def _promises(figures: Mapping[str, Any], *, kept: bool) -> Iterator[str]:
    for each in reading.rows(reading.part(figures, "certificate"), "figures"):
        if bool(each.get("is_kept")) is kept:
            value = reading.number(each, "value")
            name = reading.text(each, "figure").replace("_", " ")
            yield f"{name} {reading.NOTHING if value is None else significant(value)}"
