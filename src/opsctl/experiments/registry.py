"""What is a started experiment: its frozen book and digest, the same from a row of the database as from its start?"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from pydantic import ValidationError

from opsctl.core.errors import InconclusiveError, UsageError
from opsctl.core.units import format_duration
from opsctl.evidence.model import digest_of
from opsctl.experiments.book import Experiment

_UNKEPT = re.compile("[\0\ud800-\udfff]")
# Two machines that keep time are closer to each other than this.
_TOLERATED_SECONDS = 5.0


class StartedRow(Protocol):
    """An experiment as the database has it."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def spec(self) -> Mapping[str, Any]:
        """Its book, as `spec_of` writes it."""
        ...

    @property
    def digest(self) -> str:
        """The SHA-256 of that."""
        ...

    @property
    def ramp(self) -> float:
        """The share that is let in now."""
        ...

    @property
    def started_at(self) -> datetime:
        """When it began."""
        ...

    @property
    def ended_at(self) -> datetime | None:
        """When it ended; None while it runs."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """An experiment that was started.

    Args:
        digest: the SHA-256 of its book at the start; the ramp is not in it.
        spec: that book, as `spec_of` writes it.
        experiment: that book, with the ramp that holds now.
        ended_at: None while it runs.
        simulated: what of it was simulated, nothing where it ran for readers.
    """

    name: str
    digest: str
    spec: Mapping[str, Any] = field(repr=False)
    experiment: Experiment
    started_at: datetime
    ended_at: datetime | None = None
    simulated: tuple[str, ...] = ()

    @property
    def is_running(self) -> bool:
        """Tell whether it has not ended."""
        return self.ended_at is None

    @property
    def horizon_at(self) -> datetime:
        """Return when it will have run for as long as it was meant to."""
        return self.started_at + timedelta(seconds=self.experiment.horizon_seconds)

    def seconds_at(self, now: datetime) -> float:
        """Return for how long it has run, until its end at most.

        Raises:
            InconclusiveError: EXP025 it would begin in the future: a clock went back, and no time of it can be trusted.
        """
        seconds = ((self.ended_at or now) - self.started_at).total_seconds()
        if seconds < -_TOLERATED_SECONDS:
            raise InconclusiveError(
                f"`{self.name}` was started {format_duration(-seconds)} from now",
                code="EXP025",
                why=f"it says {self.started_at:%Y-%m-%d %H:%M:%S} UTC, and the clock here {now:%Y-%m-%d %H:%M:%S}",
                fix="set the clock of this machine, and of the database's; compare: date -u",
            )
        return max(0.0, seconds)


def spec_of(experiment: Experiment) -> dict[str, Any]:
    """Return a book as it is kept: whole, defaults written out, so that a later default does not change it.

    Without the ramp, which may rise; with the arms as a list, because their order decides who gets which, and JSON
    objects have none.

    Raises:
        UsageError: EXP013 it holds what JSON or PostgreSQL has no word for.
    """
    if not _can_be_kept(experiment.model_dump()):
        raise UsageError(
            "the book holds a value that cannot be kept: `.nan`, `.inf`, a date, binary data, or a zero byte",
            code="EXP013",
            fix="look at the `settings` of the arms and at the texts",
        )
    spec = experiment.model_dump(mode="json", exclude={"ramp"})
    spec["arms"] = [{"name": name, **arm} for name, arm in spec["arms"].items()]
    return spec


def experiment_of(spec: Mapping[str, Any], *, ramp: float) -> Experiment:
    """Read a book back.

    Raises:
        UsageError: EXP031 this opsctl cannot read it.
    """
    try:
        arms = {str(arm["name"]): {**arm} for arm in spec["arms"]}
        for arm in arms.values():
            del arm["name"]
        return Experiment.model_validate({**spec, "arms": arms, "ramp": ramp})
    except (ValidationError, KeyError, TypeError) as error:
        first = str(error).splitlines()[0]
        raise UsageError(
            "a started experiment cannot be read",
            code="EXP031",
            why=f"another version of opsctl wrote it: {first}",
            fix="use the version that started it, or stop it there",
        ) from error


def digest_of_book(experiment: Experiment) -> str:
    """Return the SHA-256 of what a book says, comments, ramp and order of keys apart; the order of arms counts.

    Raises:
        UsageError: EXP013 it holds what cannot be kept.
    """
    return digest_of(spec_of(experiment))


def started_of(row: StartedRow) -> Started:
    """Return what a row of the table says.

    Raises:
        UsageError: EXP031 this opsctl cannot read its book.
    """
    try:
        experiment = experiment_of(row.spec, ramp=row.ramp)
    except UsageError as error:
        raise UsageError(
            f"experiment `{row.name}` cannot be read", code=error.code, why=error.why, fix=error.fix
        ) from error
    return Started(
        name=row.name,
        digest=row.digest,
        spec=row.spec,
        experiment=experiment,
        started_at=row.started_at,
        ended_at=row.ended_at,
    )


def start_now(experiment: Experiment, *, name: str, at: datetime, simulated: tuple[str, ...] = ()) -> Started:
    """Return an experiment that starts at that moment, as a simulation has it; `start_evidence` makes it known.

    Raises:
        UsageError: EXP013 its book holds what cannot be kept.
    """
    spec = spec_of(experiment)
    return Started(
        name=name,
        digest=digest_of(spec),
        spec=spec,
        experiment=experiment,
        started_at=at,
        simulated=simulated,
    )


def named_start(starts: Mapping[str, Started] | Sequence[Started], name: str) -> Started:
    """Return an experiment that was started.

    Raises:
        UsageError: EXP022 it was not.
    """
    by_name = starts if isinstance(starts, Mapping) else {each.name: each for each in starts}
    if name not in by_name:
        raise UsageError(
            f"`{name}` was not started",
            code="EXP022",
            fix=f"first on simulated readers: opsctl experiments simulate {name}; then for readers: opsctl experiments start {name} --confirm {name}",
        )
    return by_name[name]


def _can_be_kept(value: Any) -> bool:
    """Tell whether JSON and PostgreSQL have a word for a value and everything in it."""
    match value:
        case str():
            return not _UNKEPT.search(value)
        case float():
            return math.isfinite(value)
        case Mapping():
            return all(_can_be_kept(str(key)) and _can_be_kept(each) for key, each in value.items())
        case list() | tuple():
            return all(_can_be_kept(each) for each in value)
        case _:
            return value is None or isinstance(value, int)  # no date, no binary, no set
