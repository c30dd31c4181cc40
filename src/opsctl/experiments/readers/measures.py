"""What is measured of readers, how it is defined, and what of it goes into the ledger."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from opsctl.evidence.model import Evidence, Verdict

READERS_KIND = "readers.measure"
FEWEST = 100
"""So many answers, readers or feeds are asked for, real or simulated; the net promoter score of 100 has an interval of some 15 to each side."""
RETENTION_DAYS, RETENTION_WINDOW_DAYS = 30, 7
_VALID_FOR = timedelta(days=30)


class Subject(StrEnum):
    """What is measured."""

    NPS = "nps"
    RETENTION = "retention"
    RELEVANCE = "relevance"


DEFINITIONS: Mapping[Subject, str] = {
    Subject.NPS: "net promoter score of the survey's answers of the last 90 days: share of 9 and 10 less share of 0 to 6, times 100",
    Subject.RETENTION: (
        "of the readers who first came 37 to 67 days ago, the share who came again in the week that begins 30 days after "
        "their first visit"
    ),
    Subject.RELEVANCE: (
        "NDCG of what a feed shows, by the true relevance of each candidate to its reader, which only a simulation knows; "
        "mean over all feeds"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One of them.

    Args:
        subject: which.
        value: None where nobody can tell.
        number: of answers, readers or feeds behind it.
        simulated: what of it was simulated; none for real readers.
        real_number: how many real answers or readers there are; fewer than `FEWEST` where it was simulated.
        figures: what stands beside it.
    """

    subject: Subject
    value: float | None
    number: int
    simulated: tuple[str, ...] = ()
    real_number: int = 0
    figures: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_told(self) -> bool:
        """Tell whether there is a figure, and enough behind it."""
        return self.value is not None and self.number >= FEWEST


def measure_evidence(
    measure: Measure,
    *,
    inputs: Mapping[str, str],
    started_at: datetime,
    seconds: float,
    asked_real: bool = True,
) -> Evidence:
    """Return the proof that it was measured; whether it is enough, the checklist says.

    Where nobody asked for real readers it has a subject of its own: simulated ones do not outvote them.
    """
    return Evidence(
        kind=READERS_KIND,
        subject=str(measure.subject) if asked_real else f"{measure.subject} of simulated readers",
        verdict=Verdict.PASS if measure.is_told else Verdict.INCONCLUSIVE,
        figures={
            "value": None if measure.value is None else round(measure.value, 6),
            "number": measure.number,
            "basis": "simulated" if measure.simulated else "real",
            "real_number": measure.real_number,
            "definition": DEFINITIONS[measure.subject],
            **measure.figures,
        },
        inputs=dict(inputs),
        tools={},
        started_at=started_at,
        duration_seconds=round(seconds, 3),
        valid_for=_VALID_FOR,
        simulated=measure.simulated,
    )
