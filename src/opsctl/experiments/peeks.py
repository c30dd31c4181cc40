"""Who looked at an experiment, when, and what was to be seen: a history that nobody can shorten.

Each look is a record of the evidence ledger, chained to the one before; whoever looks until something is significant
leaves that behind.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from opsctl.evidence.model import Evidence, Record, Verdict
from opsctl.experiments.registry import Started

PEEK_KIND = "experiments.peek"
_VALID_FOR = timedelta(days=3650)  # that somebody looked stays true


@dataclass(frozen=True, slots=True, kw_only=True)
class Peek:
    """One look.

    Args:
        at: the moment up to which events counted.
        units: how many units each arm had.
        p: the p-value of each metric, `metric` or `metric/arm`; None where there was none to tell.
        outcome: what the verdict was, such as `keep_running`.
        record: the id of the record in the ledger; empty before it is written.
    """

    at: datetime
    units: Mapping[str, int]
    p: Mapping[str, float | None]
    outcome: str = ""
    record: str = ""


def peek_evidence(started: Started, peek: Peek, *, seconds: float = 0.0) -> Evidence:
    """Return the proof of a look, to be recorded before anything of it is shown."""
    return Evidence(
        kind=PEEK_KIND,
        subject=started.name,
        verdict=Verdict.PASS,
        figures={
            "units": dict(peek.units),
            "p": {name: _number(value) for name, value in peek.p.items()},
            "outcome": peek.outcome,
        },
        inputs={"experiment": started.digest},
        tools={},
        started_at=peek.at,
        duration_seconds=seconds,
        valid_for=_VALID_FOR,
        simulated=started.simulated,
    )


def peeks_of(
    records: Iterable[Record], *, name: str, digest: str | None = None, is_simulated: bool | None = None
) -> tuple[Peek, ...]:
    """Return every look at an experiment, in the order in which they were recorded.

    Args:
        records: of the ledger, in any order, of any kind.
        name: of the experiment.
        digest: of its book at the start; with it, looks at a former book of the same name are left out.
        is_simulated: looks at a simulation only, or at what ran for readers only; a simulation has the same book.
    """
    own = [
        record
        for record in records
        if record.kind == PEEK_KIND
        and record.subject == name
        and digest in (None, record.inputs.get("experiment"))
        and is_simulated in (None, bool(record.simulated))
    ]
    return tuple(_peek(record) for record in sorted(own, key=lambda each: each.sequence))


def _number(value: float | None) -> float | None:
    """Return what JSON has a word for."""
    return value if value is not None and math.isfinite(value) else None


def _peek(record: Record) -> Peek:
    figures: Mapping[str, Any] = record.figures
    return Peek(
        at=record.started_at,
        units=dict(figures.get("units", {})),
        p=dict(figures.get("p", {})),
        outcome=str(figures.get("outcome", "")),
        record=record.id,
    )
