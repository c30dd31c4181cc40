"""What does the chapter of benchmarks hold: loads with their gates, derived collections against the source, capacity, filters."""

from collections.abc import Iterator, Mapping
from typing import Any

from opsctl.evidence.model import Record
from opsctl.ui.figures import significant
from opsctl.ui.site import reading
from opsctl.ui.site.cells import age_cell, proof_row, said, standing_cell, subject_cell
from opsctl.ui.site.facts import Facts
from opsctl.ui.site.layout import Cell, Chapter, Row, Section, Tile, columns, table_of
from opsctl.ui.site.library import Library
from opsctl.ui.site.loads_section import loads
from opsctl.ui.site.trend import latency_trend

_MOST_CHARTS = 8
_COLLECTIONS = (
    ("collections.rebuild", "rebuilt"),
    ("collections.verify", "verified"),
    ("collections.drift", "drift"),
    ("collections.plan", "advice"),
)


def benchmarks(facts: Facts, library: Library) -> Chapter:
    """Return the chapter."""
    return Chapter(
        name="benchmarks",
        title="Benchmarks",
        lede="How fast and how far: each subject by its newest run. Response times count from when a request was "
        "planned, so waiting is in them. A run whose machine or load was not as it must be cannot tell.",
        sections=(
            loads(facts, library),
            _latency(facts, library),
            _capacity(facts, library),
            _filters(facts, library),
            _collections(facts, library),
        ),
    )


def _latency(facts: Facts, library: Library) -> Section:
    names = columns("Collection", "State", "p50", "p95", "p99", "Times faster", "Recall", "Measured",
                    numbers=("p50", "p95", "p99", "Times faster", "Recall"), words=("State", "Measured"))  # fmt: skip
    rows = tuple(_latency_row(record, facts, library) for record in facts.survey.of("bench.latency"))
    charts = (
        latency_trend(
            facts.survey.trends.get((record.kind, record.subject), ()),
            title=f"{record.subject}: p95 of the engine",
            figures={"derived": "derived.engine.p95_ms", "source": "source.engine.p95_ms"},
        )
        for record in facts.survey.of("bench.latency")[:_MOST_CHARTS]
    )
    return Section(
        title="Derived collections against the source",
        note="Milliseconds of the engine: of the derived collection, and below it of the source with the same filter. "
        "How many times faster it is counts at the median, with its 95 % interval.",
        charts=tuple(chart for chart in charts if chart),
        tables=table_of("Newest comparison of each collection", names, rows),
        command="opsctl bench latency",
        anchor="latency",
    )


def _latency_row(record: Record, facts: Facts, library: Library) -> Row:
    figures = record.figures
    problems = said(reading.text(figures, "problems"))
    return proof_row(
        record, facts, library,
        *(_both_cell(figures, share) for share in ("p50", "p95", "p99")),
        _ratio_cell(figures),
        reading.figure(figures, "derived.recall"),
        notes=(f"doubts: {problems}",) if problems else (),
    )  # fmt: skip


def _both_cell(figures: Mapping[str, Any], share: str) -> Cell:
    """Return a percentile of the derived collection, and below it that of the source."""
    derived, source = (reading.figure(figures, f"{arm}.engine.{share}_ms") for arm in ("derived", "source"))
    return Cell(text=derived, below=(f"source {source}",))


def _ratio_cell(figures: Mapping[str, Any]) -> Cell:
    value, low, high = (reading.number(figures, f"engine.p50_ratio{end}") for end in ("", "_low", "_high"))
    if value is None:
        return Cell(text=reading.NOTHING)
    ends = (f"{significant(low)} to {significant(high)}",) if low is not None and high is not None else ()
    return Cell(text=f"{significant(value)}x", below=ends)


def _capacity(facts: Facts, library: Library) -> Section:
    names = columns("Load", "State", "Workers", "Passed, requests/s", "Needed workers", "Needed cores", "Measured",
                    numbers=("Needed workers", "Needed cores"), words=("State",))  # fmt: skip
    rows = (
        proof_row(
            record, facts, library,
            ", ".join(_workers(record.figures)) or reading.NOTHING,
            ", ".join(_passed(record.figures)) or reading.NOTHING,
            reading.count(record.figures, "need_workers"),
            reading.figure(record.figures, "need_cores"),
        )
        for record in facts.survey.of("bench.capacity")
    )  # fmt: skip
    newest = facts.survey.last("bench.capacity")
    return Section(
        title="Capacity",
        note="How much passes every gate, by the number of workers, and what the wanted load would need by that.",
        tiles=tuple(_need(newest.figures)) if newest else (),
        tables=table_of("Newest search of each load", names, rows),
        command="opsctl bench capacity",
        anchor="capacity",
    )


def _passed_by_workers(figures: Mapping[str, Any]) -> list[tuple[int, float | None]]:
    begins, ends = "workers_", "_passed_requests_per_second"
    numbers = (name.removeprefix(begins).removesuffix(ends) for name in figures if name.endswith(ends))
    return sorted(
        (int(each), reading.number(figures, f"{begins}{each}{ends}")) for each in numbers if each.isdecimal()
    )


def _workers(figures: Mapping[str, Any]) -> Iterator[str]:
    yield from (str(workers) for workers, _ in _passed_by_workers(figures))


def _passed(figures: Mapping[str, Any]) -> Iterator[str]:
    for _, passed in _passed_by_workers(figures):
        yield reading.NOTHING if passed is None else f"{passed:,.0f}"


def _need(figures: Mapping[str, Any]) -> Iterator[Tile]:
    rate = reading.number(figures, "need_requests_per_second")
    if rate is None:
        return
    users = reading.count(figures, "need_users")
    yield Tile(name="Wanted", value=f"{rate:,.0f} requests/s", below=f"of {users} users")
    basis = reading.text(figures, "need_basis")
    yield Tile(name="Workers", value=reading.count(figures, "need_workers"), below=basis)
    yield Tile(name="Cores", value=reading.figure(figures, "need_cores"), below="over all parts")


def _filters(facts: Facts, library: Library) -> Section:
    names = columns("Source", "State", "Filters", "Measured", numbers=("Filters",), words=("State",))
    rows = (
        proof_row(record, facts, library, reading.count(record.figures, "filters"))
        for record in facts.survey.of("bench.filters")
    )
    return Section(
        title="Filters",
        note="Recall and time of filters of many shapes and selectivities; the record has the figures of each.",
        tables=table_of("Newest matrix", names, rows),
        command="opsctl bench filters",
        anchor="filters",
    )


def _collections(facts: Facts, library: Library) -> Section:
    names = columns("Collection", "What", "State", "Says", "Measured", words=("State", "What"))
    rows = tuple(
        Row(
            cells=(
                subject_cell(record, facts),
                Cell(text=word),
                standing_cell(record, facts),
                Cell(text=_says(record.figures)),
                age_cell(record, facts, library),
            )
        )
        for kind, word in _COLLECTIONS
        for record in facts.survey.of(kind)
    )
    return Section(
        title="Derived collections",
        note="Whether what serves was built whole, is what its source says, and is worth having.",
        tables=table_of("Newest proof of each collection", names, rows),
        command="opsctl collections rebuild",
        anchor="collections",
    )


def _says(figures: Mapping[str, Any]) -> str:
    said_there = (reading.text(figures, name) for name in ("outcome", "advice", "reason", "generation"))
    found = [each for each in said_there if said(each)]
    if reading.number(figures, "missing") is not None:
        found.append(
            ", ".join(f"{reading.count(figures, name)} {name}" for name in ("missing", "changed", "extra"))
        )
    return "; ".join(found) or reading.NOTHING
