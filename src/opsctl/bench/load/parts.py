"""Of what is a load made in each process: its requests, its checks, its arrivals."""

from collections.abc import Callable
from dataclasses import dataclass

from opsctl.bench.load.checks import Checks
from opsctl.bench.load.ports import Arrivals, Inspects, LoadJob, RequestSource
from opsctl.bench.load.sources import arrivals_of, source_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What an engine needs besides the job itself."""

    source: RequestSource
    inspects: Inspects
    arrivals: Arrivals


PartsOf = Callable[[LoadJob], Parts]
"""A function of a module, so that a process of its own can find it by name."""


def parts_of(job: LoadJob) -> Parts:
    """Return the parts that the job's book and log describe."""
    source = source_of(job)
    return Parts(
        source=source,
        inspects=Checks(job.book, folder=job.folder),
        arrivals=arrivals_of(job, source),
    )
