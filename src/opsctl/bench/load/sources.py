"""Where do the requests of a job come from: its mix, or a recorded log."""

from opsctl.bench.load.plan import ArrivalPlan
from opsctl.bench.load.ports import Arrivals, LoadJob, RequestSource
from opsctl.bench.load.replay import ReplaySource
from opsctl.bench.load.requests import MixSource


def source_of(job: LoadJob) -> RequestSource:
    """Return the source of a job's requests."""
    return MixSource(job) if job.replay is None else ReplaySource(job)


def arrivals_of(job: LoadJob, source: RequestSource) -> Arrivals:
    """Return when the requests start: as recorded, else as the book plans."""
    return source.arrivals or ArrivalPlan(job.book.arrivals, seed=job.book.seed)
