"""What does the ledger keep of an experiment that is started, ramped or stopped, and what was started by it?"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from opsctl.core.errors import UsageError
from opsctl.evidence.model import Evidence, Record, Verdict
from opsctl.experiments.registry import Started, experiment_of

START_KIND = "experiments.start"
RAMP_KIND = "experiments.ramp"
STOP_KIND = "experiments.stop"


# A start is no measurement: what it says stays true.
_VALID_FOR = timedelta(days=3650)


def start_evidence(started: Started) -> Evidence:
    """Return the proof of a start: the whole book, so that nothing else is needed to say what was planned."""
    return _evidence(
        START_KIND,
        started,
        at=started.started_at,
        figures={"ramp": started.experiment.ramp, "spec": started.spec},
    )


def ramp_evidence(started: Started, *, before: float, at: datetime) -> Evidence:
    """Return the proof that a ramp was raised."""
    return _evidence(RAMP_KIND, started, at=at, figures={"before": before, "ramp": started.experiment.ramp})


def stop_evidence(started: Started, *, at: datetime, why: str = "") -> Evidence:
    """Return the proof of an end, and who said why."""
    return _evidence(STOP_KIND, started, at=started.ended_at or at, figures={"why": why or "none"})


def starts_of(records: Iterable[Record]) -> dict[str, Started]:
    """Return the experiments that the records tell of, by name, each as its newest start left it.

    A simulation may be done again under its name; an experiment for readers is started once. What another version of
    opsctl has started and this one cannot read is left out: it must not keep anybody from the others.
    """
    found: dict[str, Started] = {}
    for record in sorted(records, key=lambda each: each.sequence):
        if record.kind == START_KIND:
            found.pop(record.subject, None)
            with suppress(UsageError):
                found[record.subject] = _from_start(record)
        elif record.subject in found and record.kind in (RAMP_KIND, STOP_KIND):
            found[record.subject] = _followed(found[record.subject], record)
    return found


def _from_start(record: Record) -> Started:
    spec = record.figures["spec"]
    return Started(
        name=record.subject,
        digest=record.inputs["experiment"],
        spec=spec,
        experiment=experiment_of(spec, ramp=record.figures["ramp"]),
        started_at=record.started_at,
        simulated=record.simulated,
    )


def _followed(started: Started, record: Record) -> Started:
    if record.inputs.get("experiment") != started.digest:
        return started  # of an earlier start
    if record.kind == STOP_KIND:
        return replace(started, ended_at=record.started_at)
    ramped = started.experiment.model_copy(update={"ramp": record.figures["ramp"]})
    return replace(started, experiment=ramped)


def _evidence(kind: str, started: Started, *, at: datetime, figures: Mapping[str, Any]) -> Evidence:
    return Evidence(
        kind=kind,
        subject=started.name,
        verdict=Verdict.PASS,
        figures=figures,
        inputs={"experiment": started.digest},
        tools={},
        started_at=at,
        duration_seconds=0.0,
        valid_for=_VALID_FOR,
        simulated=started.simulated,
    )
