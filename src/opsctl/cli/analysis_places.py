"""Where does the analysis of an experiment look: the database or files, what else runs there, and up to which moment?"""

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from opsctl.cli.backends import Backends
    from opsctl.core.events import Listener
    from opsctl.experiments.registry import Started
    from opsctl.experiments.warehouse.model import Warehouse


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the events of an experiment lie.

    Args:
        leaks: learners that were taught by another arm's readers, each in a sentence; None where nobody can look.
        others: experiments whose events lie there, too.
    """

    warehouse: "Warehouse"
    leaks: "Sequence[str] | None" = None
    others: "Sequence[Started]" = ()


@contextmanager
def analysis_place(started: "Started", *, source: Path | None, listener: "Listener") -> "Iterator[Place]":
    """Lend the place where the events of an experiment are: files, or the database."""
    from opsctl.cli import wiring
    from opsctl.cli.study_folders import folder_of
    from opsctl.experiments.studies.binding import FILE as MANIFEST
    from opsctl.experiments.studies.binding import require_bound
    from opsctl.experiments.studies.document import read_study
    from opsctl.experiments.warehouse.parquet import Bounds, ParquetWarehouse
    from opsctl.experiments.warehouse.postgres import PostgresWarehouse

    if source is not None or started.simulated:
        folder = source or folder_of(started.name)
        leaks = None
        if source is None or (source / MANIFEST).is_file():
            require_bound(folder, name=started.name)
        if source is None:
            leaks = read_study(folder, name=started.name).worlds[0].leaks
        # one thread: sums of fractions are the same to the last bit each time
        yield Place(warehouse=ParquetWarehouse(folder, bounds=Bounds(threads=1)), leaks=leaks)
        return
    with wiring.backends(listener) as servers:
        yield Place(
            warehouse=PostgresWarehouse(servers.database_address()),
            leaks=_leaks(servers, started),
            others=tuple(_others(servers, started)),
        )


def _others(servers: "Backends", started: "Started") -> "Iterator[Started]":
    """Yield the other experiments of the database; what another version of opsctl has started cannot be looked at."""
    from opsctl.core.errors import UsageError
    from opsctl.experiments.registry import started_of
    from opsctl.store.experiments import read_experiments

    for row in read_experiments(servers.database()):
        if row.name == started.name:
            continue
        try:
            yield started_of(row)
        except UsageError:
            continue


def _leaks(servers: "Backends", started: "Started") -> "Sequence[str]":
    from opsctl.store.exposures import leaked_decisions

    count = leaked_decisions(servers.database(), started.name)
    return (f"{count:,} decisions teach the learner of an arm that is not their reader's",) if count else ()


def analysis_moment(started: "Started", at: datetime | None) -> datetime:
    """Return until when events count.

    What ended early is looked at as of its end: whoever stops when it looks good must not get a test for the horizon.

    Raises:
        UsageError: EXP050 it had not started yet, or that moment is still to come: a look at the horizon, taken today,
            would be a verdict that the stopping rule does not allow.
    """
    from opsctl.cli import wiring
    from opsctl.core.errors import UsageError

    if at is not None:
        at = _in_utc(at)
        now = wiring.clock().now()
        if not started.simulated and at > now:
            raise UsageError(
                f"{at:%Y-%m-%d %H:%M:%S} UTC is still to come",
                code="EXP050",
                why=f"it is {now:%Y-%m-%d %H:%M:%S} UTC; nobody can see today what will be seen then",
                fix="leave --at out, which takes all events until now",
            )
    elif started.simulated:
        at = started.horizon_at
    else:
        at = wiring.clock().now()
        started.seconds_at(at)  # refuses a clock that went back
    if started.ended_at is not None and started.started_at < started.ended_at < at:
        return started.ended_at
    return at


def _in_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC) if at.tzinfo is not None else at.replace(tzinfo=UTC)
    except OverflowError:  # at either end of the calendar
        return at.replace(tzinfo=UTC)
