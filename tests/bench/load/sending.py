"""Sends small loads from within the test itself, and from processes of their own, with parts made for tests."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

import uvloop

from opsctl.bench.load.book import LoadBook
from opsctl.bench.load.engine import AsyncEngine
from opsctl.bench.load.parts import Parts
from opsctl.bench.load.plan import ArrivalPlan
from opsctl.bench.load.ports import Address, EngineResult, LoadJob, PlannedRequest
from opsctl.bench.load.sender import Sender, SendingPart
from opsctl.bench.load.tally import Frame, Tally
from opsctl.bench.load.tls import context_for


class FixedSource:
    """Asks for the paths of the book, in turns."""

    arrivals = None

    def __init__(self, job: LoadJob) -> None:
        self.endpoints: Sequence[str] = tuple(job.book.mix)
        self._requests = [
            f"{endpoint.method} {endpoint.path} HTTP/1.1\r\nHost: {job.address.host}\r\n\r\n".encode()
            for endpoint in job.book.mix.values()
        ]

    def batch(self, arrivals: Sequence[int]) -> Sequence[PlannedRequest]:
        """Return the requests of these arrivals."""
        return [
            (number % len(self._requests), self._requests[number % len(self._requests)])
            for number in arrivals
        ]


class StatusOnly:
    """Finds an answer good when its status is 2xx."""

    def inspect(self, endpoint: int, *, status: int, head: bytes, body: bytes) -> str | None:
        """Return what is wrong with a status."""
        if 200 <= status < 300:
            return None
        return f"redirect {status}" if 300 <= status < 400 else f"status {status}"


class BlocksTheSender(StatusOnly):
    """Takes a tenth of a second for every fiftieth answer, during which the sender can do nothing."""

    def __init__(self) -> None:
        self._answers = 0

    def inspect(self, endpoint: int, *, status: int, head: bytes, body: bytes) -> str | None:
        """Find it good, late."""
        self._answers += 1
        if self._answers % 50 == 0:
            time.sleep(0.1)
        return None


class Fails(StatusOnly):
    """Has a fault of its own."""

    def inspect(self, endpoint: int, *, status: int, head: bytes, body: bytes) -> str | None:
        """Fail."""
        raise LookupError("a fault in the checks")


def fixed_parts(job: LoadJob) -> Parts:
    """Return parts for tests."""
    arrivals = ArrivalPlan(job.book.arrivals, seed=job.book.seed)
    return Parts(source=FixedSource(job), inspects=StatusOnly(), arrivals=arrivals)


def blocking_parts(job: LoadJob) -> Parts:
    """Return parts that make the sender late."""
    arrivals = ArrivalPlan(job.book.arrivals, seed=job.book.seed)
    return Parts(source=FixedSource(job), inspects=BlocksTheSender(), arrivals=arrivals)


def failing_parts(job: LoadJob) -> Parts:
    """Return parts with a fault that shows while sending."""
    arrivals = ArrivalPlan(job.book.arrivals, seed=job.book.seed)
    return Parts(source=FixedSource(job), inspects=Fails(), arrivals=arrivals)


def broken_parts(job: LoadJob) -> Parts:
    """Work where the engine asks for the length of the run, and fail in a process of its own."""
    import sys

    if "pytest" in sys.modules:
        return fixed_parts(job)
    raise LookupError("a fault before the start")


def parts_that_only_the_first_gets(job: LoadJob) -> Parts:
    """Fail in all processes but one; the job's folder is where they see who was first."""
    import sys

    if "pytest" not in sys.modules:
        (job.folder / "taken").mkdir()
    return fixed_parts(job)


def job_of(
    port: int,
    *paths: str,
    rate: float = 100.0,
    seconds: float = 0.3,
    host: str = "127.0.0.1",
    method: str = "GET",
    address: Address | None = None,
    **book: Any,
) -> LoadJob:
    """Return a job that asks for these paths in turns, at even distances."""
    mix = {
        path.strip("/").replace("-", "_") or "root": {"share": 1, "path": path, "method": method}
        for path in paths
    }
    arrivals = [{"shape": "constant", "rate": rate, "duration": f"{seconds * 1000:.0f}ms"}]
    made = LoadBook.model_validate({"mix": mix, "arrivals": arrivals} | book)
    return LoadJob(name="test", book=made, address=address or Address(host=host, port=port))


def send(job: LoadJob, *, before: Callable[[], None] = lambda: None) -> Tally:
    """Send a job from this process, with `before` called at its start, and return everything recorded."""
    parts = fixed_parts(job)

    async def run() -> Tally:
        sender = Sender(
            SendingPart(
                address=job.address,
                source=parts.source,
                inspects=parts.inspects,
                arrivals=parts.arrivals.share(0, of=1),
                seconds=parts.arrivals.seconds,
                limits=job.book.limits,
                is_closed_loop=False,
                tls=context_for(job.address),
            )
        )
        await sender.connect()
        before()
        await sender.run(started=time.monotonic() + 0.01)
        sender.close()
        assert sender.in_flight == 0
        return sender.take()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run())


def run(
    job: LoadJob,
    *,
    parts: Callable[[LoadJob], Parts] = fixed_parts,
    watch: Callable[[Frame], str] = lambda _frame: "",
) -> EngineResult:
    """Send a job with the whole engine."""
    return AsyncEngine(parts=parts).run(job, watch=watch)


def assert_every_arrival_has_one_outcome(tally: Tally) -> None:
    """Fail if a planned request was forgotten or counted twice, anywhere."""
    assert tally.planned == sum(tally.outcomes.values())
    assert tally.planned == sum(block.planned for block in tally.blocks.values())
    assert tally.planned == sum(block.planned for block in tally.endpoints.values())
    errors = tally.planned - tally.outcomes["ok"]
    assert errors == sum(block.errors for block in tally.blocks.values())
    kept = tally.planned - tally.outcomes["dropped"]
    assert tally.timings.generator_lag.count == kept
    assert tally.timings.response.count + tally.timings.failed.count == kept
