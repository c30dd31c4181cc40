"""How is long work cut into batches and its progress told."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

from opsctl.core import phases
from opsctl.core.clock import SystemClock
from opsctl.core.events import Listener

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
    with phases.told_phase(
        subject, phase, listener=listener, clock=SystemClock(), total=total, unit=unit
    ) as under_way:
        yield under_way.advance
        under_way.figures[unit] = under_way.done
        if with_rate and under_way.done:
            under_way.figures[f"{unit}/s"] = round(under_way.done / under_way.seconds)
