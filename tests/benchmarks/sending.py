"""Sends given requests at planned times with the load engine, for benchmarks that bring their own requests."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from opsctl.bench.load.book import LoadBook
from opsctl.bench.load.engine import AsyncEngine
from opsctl.bench.load.parts import Parts
from opsctl.bench.load.plan import ArrivalPlan
from opsctl.bench.load.ports import Address, EngineResult, LoadJob, PlannedRequest
from opsctl.bench.load.tally import Frame, Outcome, Tally


@dataclass(frozen=True, kw_only=True)
class Load:
    """What came back; `frames` tells it second by second."""

    result: EngineResult
    frames: tuple[Frame, ...] = ()

    @property
    def total(self) -> Tally:
        """Return everything recorded."""
        return self.result.total

    @property
    def answered(self) -> int:
        """Return the number of good answers."""
        return self.total.outcomes[Outcome.OK.value]

    @property
    def achieved_rate(self) -> float:
        """Return good answers a second."""
        return self.answered / self.result.seconds

    @property
    def answered_per_cpu_second(self) -> float:
        """Return the good answers for each second of the sender's CPU, of a second in the middle of the run."""
        return statistics.median(frame.new.outcomes["ok"] / frame.cpu_seconds for frame in self.frames[1:-1])

    @property
    def errors(self) -> int:
        """Return the requests without a good answer."""
        return self.total.planned - self.answered

    def quantile_milliseconds(self, share: float) -> float:
        """Return a quantile of the response time: from when a request was due."""
        return self.total.timings.response.value_at(share) / 1000

    def hit_ratio(self, *tiers: str) -> float:
        """Return the share of good answers whose `X-Cache` is one of these."""
        hits = sum(self.total.tiers[tier].count for tier in tiers if tier in self.total.tiers)
        return hits / max(1, self.answered)


class _GivenRequests:
    """Goes round given requests."""

    endpoints = ("all",)
    arrivals = None

    def __init__(self, requests: Sequence[bytes]) -> None:
        self._requests = requests

    def batch(self, arrivals: Sequence[int]) -> Sequence[PlannedRequest]:
        """Return the requests of these arrivals."""
        return [(0, self._requests[number % len(self._requests)]) for number in arrivals]


class _Only200:
    """Finds an answer good when its status is 200."""

    def inspect(self, endpoint: int, *, status: int, head: bytes, body: bytes) -> str | None:
        """Return what is wrong with a status."""
        return None if status == 200 else f"status {status}"


def _parts(job: LoadJob, *, requests: Sequence[bytes]) -> Parts:
    arrivals = ArrivalPlan(job.book.arrivals, seed=job.book.seed)
    return Parts(source=_GivenRequests(requests), inspects=_Only200(), arrivals=arrivals)


def run_load(
    port: int,
    *,
    requests: Sequence[bytes],
    rate: float,
    seconds: float,
    connections: int = 64,
    drain: str = "10s",
) -> Load:
    """Send `rate` requests a second for `seconds` to this machine, going round `requests`, from one process."""
    phase = {"shape": "constant", "rate": rate, "duration": f"{round(seconds * 1000)}ms"}
    mix = {"all": {"share": 1, "path": "/"}}
    limits = {"connections": connections, "drain": drain}
    book = LoadBook.model_validate({"mix": mix, "arrivals": [phase], "limits": limits})
    job = LoadJob(name="benchmark", book=book, address=Address(host="127.0.0.1", port=port))
    frames: list[Frame] = []

    def watch(frame: Frame) -> str:
        frames.append(frame)
        return ""

    result = AsyncEngine(parts=partial(_parts, requests=requests)).run(job, watch=watch)
    return Load(result=result, frames=tuple(frames))


def get(path: str, *, key: str = "") -> bytes:
    """Return the bytes of a GET request."""
    authorization = f"Authorization: Bearer {key}\r\n" if key else ""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{authorization}\r\n".encode()
