"""What does the section of loads hold: the newest run of each, its gates, and how it went over time."""

from collections.abc import Iterator, Mapping
from typing import Any

from opsctl.evidence.model import Record
from opsctl.ui.chart import Chart
from opsctl.ui.site import reading
from opsctl.ui.site.cells import proof_row, said
from opsctl.ui.site.facts import Facts, GateSeen
from opsctl.ui.site.layout import Cell, Column, Row, Section, Table, columns
from opsctl.ui.site.library import Library
from opsctl.ui.site.trend import count_trend, latency_trend

_MOST_LOADS_DRAWN = 4


def loads(facts: Facts, library: Library) -> Section:
    """Return the section."""
    records = facts.survey.of("bench.load")
    names = columns(
        "Load", "State", "Requests/s", "p50", "p99", "Errors", "Hits", "Measured",
        numbers=("Requests/s", "p50", "p99", "Errors", "Hits"), words=("State", "Measured"),
    )  # fmt: skip
    rows = tuple(_load_row(record, facts, library) for record in records)
    return Section(
        title="Loads",
        note="Times in milliseconds, over the whole run. Curves and stages are on the page of a run, where it is stored.",
        charts=tuple(_load_charts(facts)),
        tables=tuple(_load_tables(names, rows, facts)),
        command="opsctl bench load quick",
        anchor="loads",
    )


def _load_tables(names: tuple[Column, ...], rows: tuple[Row, ...], facts: Facts) -> Iterator[Table]:
    if rows:
        yield Table(caption="Newest run of each load", columns=names, rows=rows)
    gates = tuple(_gates(facts))
    if gates:
        titles = columns(
            "Load",
            "Gate",
            "Verdict",
            "Measured",
            "95 % interval",
            numbers=("Measured", "95 % interval"),
            words=("Verdict",),
        )
        yield Table(caption="Gates of these runs", columns=titles, rows=gates)


def _load_row(record: Record, facts: Facts, library: Library) -> Row:
    figures = record.figures
    invalid = said(reading.text(figures, "invalid_because"))
    return proof_row(
        record, facts, library,
        *(reading.figure(figures, name) for name in ("achieved_rate", "response.p50_ms", "response.p99_ms")),
        *(reading.share(figures, name) for name in ("error_rate", "hit_ratio")),
        notes=(f"invalid because of {invalid}",) if invalid else (),
    )  # fmt: skip


def _gates(facts: Facts) -> Iterator[Row]:
    """Yield the gates of each load, with intervals where its run is stored, else by the record alone."""
    for record in facts.survey.of("bench.load"):
        for each in facts.gates.get(record.subject) or _recorded_gates(record.figures):
            yield Row(
                cells=(
                    Cell(text=record.subject),
                    Cell(text=each.gate),
                    Cell(text=each.word, ink=each.ink),
                    Cell(text=each.value),
                    Cell(text=each.interval),
                )
            )


def _recorded_gates(figures: Mapping[str, Any]) -> tuple[GateSeen, ...]:
    inks = {"pass": "good", "fail": "bad"}
    found = (gate.rpartition(":") for gate in reading.parts(figures, "gates"))
    return tuple(
        GateSeen(
            gate=gate,
            value=reading.NOTHING,
            interval=reading.NOTHING,
            ink=inks.get(word.strip(), "doubt"),
            word=word.strip(),
        )
        for gate, _, word in found
    )


def _load_charts(facts: Facts) -> Iterator[Chart]:
    for record in facts.survey.of("bench.load")[:_MOST_LOADS_DRAWN]:
        trend = facts.survey.trends.get((record.kind, record.subject), ())
        drawn = (
            latency_trend(
                trend,
                title=f"{record.subject}: response time",
                figures={"p99": "response.p99_ms", "p50": "response.p50_ms"},
            ),
            count_trend(
                trend,
                title=f"{record.subject}: requests a second",
                reads={"good": lambda figures: reading.number(figures, "goodput_rate")},
            ),
        )
        yield from (chart for chart in drawn if chart)
