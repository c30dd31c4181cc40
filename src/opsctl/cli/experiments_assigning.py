"""Whose arm is asked for: ids of the command line, or of standard input, one after the other however many they are."""

import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from opsctl.core.errors import UsageError

if TYPE_CHECKING:
    import psycopg

    from opsctl.experiments.assignment import Assigner, Placement
    from opsctl.experiments.sticky import StickyAssigner

_MOST_IN_A_DOCUMENT = 100_000
_UNITS_AT_ONCE = 1000


def assigners(names: Collection[str]) -> "tuple[Assigner, ...]":
    """Return who assigns the units of these experiments, or of all that have not ended, with the ramps that hold now.

    Raises:
        UsageError: EXP001 a book is wrong, EXP003 there is no such experiment.
    """
    from opsctl.cli import experimenting
    from opsctl.experiments.assignment import Assigner

    starts = experimenting.real_starts()
    books = experimenting.chosen(names)
    found = []
    for named in books:
        started = starts.get(named.name)
        if started is None:
            found.append(Assigner(named.experiment, name=named.name))
        elif started.is_running or names:
            found.append(Assigner(started.experiment, name=named.name))
    return tuple(found)


@contextmanager
def placements(
    assigners: "Iterable[Assigner]", units: Sequence[str] | None, *, sticky: int | None
) -> "Iterator[Iterator[tuple[str, Placement]]]":
    """Lend where each unit lies in each experiment, by the experiment's name, as it becomes known.

    Args:
        assigners: of the experiments.
        units: ids; None takes them from standard input.
        sticky: the version under which the database keeps arms; None keeps none, and needs no database.

    Raises:
        UsageError: EXP030 something is no id of a unit.
    """
    assigners, asked = tuple(assigners), units or _from_stdin()
    if sticky is None:
        yield ((each.name, each.place(unit)) for unit in asked for each in assigners)
        return
    from opsctl.cli import wiring
    from opsctl.ui.progress import progress

    with progress() as listener, wiring.backends(listener) as servers:
        connection = servers.database()
        # Statements commit by themselves: nobody else waits for a unit until the last of a million is assigned.
        connection.autocommit = True
        yield _kept(tuple(_sticky(each, connection, version=sticky) for each in assigners), asked)


def _sticky(assigner: "Assigner", connection: "psycopg.Connection[Any]", *, version: int) -> "StickyAssigner":
    """Return who assigns by the memory, which knows whoever was exposed before."""
    from opsctl.experiments.sticky import StickyAssigner
    from opsctl.store.kept_arms import KeptInDatabase

    kept = KeptInDatabase(connection, experiment=assigner.name, version=version)
    kept.keep_exposed()
    return StickyAssigner(assigner, kept=kept)


def _kept(assigners: "Iterable[StickyAssigner]", units: Iterable[str]) -> "Iterator[tuple[str, Placement]]":
    from itertools import islice

    waiting = iter(units)
    while some := tuple(islice(waiting, _UNITS_AT_ONCE)):
        placed = [(each.name, each.place_all(some)) for each in assigners]
        for place in range(len(some)):
            yield from ((name, found[place]) for name, found in placed)


def all_of(found: "Iterator[tuple[str, Placement]]") -> "list[tuple[str, Placement]]":
    """Return all, if they are not too many to be shown at once.

    Raises:
        UsageError: EXP032 they are.
    """
    from itertools import islice

    kept = list(islice(found, _MOST_IN_A_DOCUMENT + 1))
    if len(kept) > _MOST_IN_A_DOCUMENT:
        raise UsageError(
            f"more than {_MOST_IN_A_DOCUMENT:,} assignments are too many to be shown at once",
            code="EXP032",
            fix="add --ndjson, which prints each as it is made",
        )
    return kept


def print_lines(found: "Iterator[tuple[str, Placement]]") -> None:
    """Print each as a line of JSON, as soon as it is known."""
    import orjson

    from opsctl.ui.show_experiments import placement_data

    for name, placement in found:
        sys.stdout.buffer.write(
            orjson.dumps(placement_data(name, placement), option=orjson.OPT_APPEND_NEWLINE)
        )
    sys.stdout.flush()


def _from_stdin() -> Iterator[str]:
    """Yield the lines of standard input, their ends alone taken off.

    Raises:
        UsageError: EXP030 a line is empty, or no UTF-8.
    """
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError(
            "no unit was named",
            code="CLI002",
            fix="name some, or pipe ids in: seq 10 | opsctl experiments assign",
        )
    for number, line in enumerate(sys.stdin.buffer, start=1):
        try:
            unit = line.removesuffix(b"\n").removesuffix(b"\r").decode()
        except UnicodeDecodeError as error:
            raise UsageError(
                f"line {number} of standard input is no UTF-8",
                code="EXP030",
                why=str(error),
                fix="convert it first, such as by iconv",
            ) from error
        if not unit:
            raise UsageError(
                f"line {number} of standard input is empty, and no id of a unit",
                code="EXP030",
                fix="leave it out: grep .",
            )
        yield unit
