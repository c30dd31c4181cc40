"""Which service is searched for its highest rate: the given one, or one for each number of workers?"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from opsctl.bench.capacity.model import Reading

if TYPE_CHECKING:
    from opsctl.cli.load_target import LoadTarget
    from opsctl.core.events import Listener


MOST_WORKERS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A service that is being asked: where, with how many workers, and how it is read."""

    target: "LoadTarget"
    workers: int
    read: Callable[[], Reading]


def served(target: "LoadTarget", *, counts: Sequence[int], listener: "Listener") -> Iterator[Served]:
    """Yield the service as it is, or once for each number of workers."""
    from opsctl.cli import wiring
    from opsctl.cli.service_of_workers import own_workers, reader_of, stack_service
    from opsctl.service.plan import load_service_book

    if not counts:
        workers = load_service_book(wiring.settings()).workers
        yield Served(
            target=target, workers=workers, read=reader_of(target, service_pid=stack_service(target))
        )
        return
    with own_workers(listener=listener) as start:
        for count in counts:
            with start(count) as (address, pid):
                moved = replace(target, address=address)
                yield Served(target=moved, workers=count, read=reader_of(moved, service_pid=pid))
