"""How is long work cut into batches and its progress told."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

from opsctl.core.events import Listener, PhaseAdvanced, PhaseFinished, PhaseStarted

Member = TypeVar("Member")


def batches_of(members: Iterable[Member], *, size: int) -> Iterator[tuple[Member, ...]]:
    """Yield the members in tuples of `size`, the last one shorter.

    >>> list(batches_of("abcde", size=2))
    [('a', 'b'), ('c', 'd'), ('e',)]
    """
    iterator = iter(members)
    while batch := tuple(islice(iterator, size)):
        yield batch


@contextmanager
def told_phase(
    listener: Listener,
    *,
    subject: str,
    phase: str,
    total: int | None = None,
    unit: str = "rows",
    with_rate: bool = True,
) -> Iterator[Callable[[int], None]]:
    """Tell the listener that a phase begins and ends; the block calls what it gets for every step."""
    began, done = time.perf_counter(), 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        listener(PhaseAdvanced(subject=subject, phase=phase, advance=count))

    listener(PhaseStarted(subject=subject, phase=phase, total=total, unit=unit))
    yield advance
    took = time.perf_counter() - began
    figures: dict[str, str | int | float] = {unit: done}
    if with_rate and done:
        figures[f"{unit}/s"] = round(done / took)
    listener(PhaseFinished(subject=subject, phase=phase, duration_seconds=took, figures=figures))
