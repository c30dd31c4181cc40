"""How is the report of a load kept as plain JSON, and how does it come back as the same report."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from opsctl.bench.load.histogram import Histogram, Sparse
from opsctl.bench.load.model import GateCheck, LoadReport, Percentiles, Point, Recall
from opsctl.bench.load.series import Unit, unit_of
from opsctl.bench.load.tally import Block
from opsctl.core.findings import Finding, Location, Severity
from opsctl.core.quantiles import QuantileEstimate
from opsctl.evidence.model import Verdict

_APART = ("histograms", "blocks")


def plain_report(report: LoadReport) -> dict[str, Any]:
    """Return a report as plain values, without the histograms, which are kept packed beside it."""
    return {name: value for name, value in asdict(report).items() if name not in _APART}


def report_of(
    plain: Mapping[str, Any], *, histograms: Mapping[str, Sparse], blocks: Sequence[Sparse]
) -> LoadReport:
    """Return the report again.

    Raises:
        KeyError, TypeError, ValueError: when it is not a whole report of this version.
    """
    known = {field.name for field in fields(LoadReport)}
    values = {name: value for name, value in plain.items() if name in known} | {
        name: _percentiles(plain[name]) for name in ("response", "service", "generator_lag", "queue_wait")
    }
    values |= {
        name: {key: _percentiles(value) for key, value in plain[name].items()}
        for name in ("endpoints", "tiers")
    }
    values["points"] = tuple(Point(**point) for point in plain["points"])
    values["recall"] = None if plain["recall"] is None else Recall(**plain["recall"])
    values["gates"] = tuple(
        GateCheck(**{**gate, "verdict": Verdict(gate["verdict"])}) for gate in plain["gates"]
    )
    values["problems"] = tuple(_finding(problem) for problem in plain["problems"])
    values["simulated"] = tuple(plain["simulated"])
    values["verdict"] = Verdict(plain["verdict"])
    return LoadReport(**values, histograms=dict(histograms), blocks=tuple(blocks))


def fingerprint_of(report: LoadReport) -> dict[str, str]:
    """Return what two loads must share to be compared: the machine, and everything about what was sent."""
    return {
        **report.fingerprint,
        "load.name": report.load,
        "load.plan": report.plan_digest[:16],
        "load.book": report.book_digest[:16],
        "load.engine": report.engine,
        "load.loop": report.loop,
        "load.processes": str(report.processes),
        "load.connections": str(report.connections),
        "service.simulated": ", ".join(report.simulated) or "nothing",
    }


def units_of(report: LoadReport) -> list[Unit]:
    """Return the points of a report with their histograms; empty where it keeps none.

    Raises:
        ValueError: when a block is no histogram, or there are not as many as points.
    """
    if not report.blocks:
        return []
    return [
        unit_of(
            Block(
                planned=point.planned,
                errors=point.errors,
                tiers=Counter(point.tiers),
                response=Histogram.from_sparse(block),
            ),
            seconds=point.length_seconds,
        )
        for point, block in zip(report.points, report.blocks, strict=True)
    ]


def _percentiles(plain: Mapping[str, Any]) -> Percentiles:
    estimates = tuple(QuantileEstimate(**estimate) for estimate in plain["estimates"])
    return Percentiles(**{**plain, "estimates": estimates})


def _finding(plain: Mapping[str, Any]) -> Finding:
    place = plain["location"]
    return Finding(
        **{
            **plain,
            "severity": Severity(plain["severity"]),
            "location": None if place is None else Location(**place),
        }
    )
