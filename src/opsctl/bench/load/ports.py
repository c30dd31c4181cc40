"""What every engine takes and gives, whether it is ours or Locust: a job in, frames while it runs, a total at the end."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from opsctl.bench.load.book import LoadBook
from opsctl.bench.load.tally import Frame, Tally

if TYPE_CHECKING:
    import numpy as np

PlannedRequest = tuple[int, bytes]
"""Place of its endpoint in the mix, and the bytes to send."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where requests go."""

    host: str
    port: int
    is_tls: bool = False
    ca_file: Path | None = None

    @property
    def url(self) -> str:
        """Return the address as people write it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.is_tls else 'http'}://{host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadJob:
    """One run, ready to go; can be pickled, so that processes can share it.

    Args:
        headers: sent with every request, such as `Authorization`; never stored in a report.
        folder: where files that the book names (schemas, certificates, logs to replay) are looked for.
        replay: a log of requests to send instead of the mix, with its own arrival times.
        replay_speed: how many times as fast as it was recorded.
        run_id: makes idempotency keys new in each run; letters, digits and `-`.
        began_at: what `{now}` stands for, an RFC 3339 text.
        is_warm_up: draw other users and items than the counted run does.
    """

    name: str
    book: LoadBook
    address: Address
    headers: Mapping[str, str] = field(default_factory=dict)
    folder: Path = Path()
    replay: Path | None = None
    replay_speed: float = 1.0
    run_id: str = "run"
    began_at: str = "2026-01-01T00:00:00Z"
    is_warm_up: bool = False


class Arrivals(Protocol):
    """When each request is to start: planned (`ArrivalPlan`) or recorded (`RecordedArrivals`)."""

    @property
    def seconds(self) -> float:
        """Return the length of the run."""
        ...

    @property
    def digest(self) -> str:
        """Return the SHA-256 of what the times follow from: equal digests are equal plans."""
        ...

    def rate_at(self, second: float) -> float:
        """Return the planned requests a second at a moment of the run."""
        ...

    def phase_at(self, second: float) -> str:
        """Return the phase of that moment in a few words."""
        ...

    def share(self, process: int, *, of: int) -> "Iterator[tuple[np.ndarray, np.ndarray]]":
        """Yield numbers and seconds of the arrivals i with i mod `of` == `process`, a bounded piece at a time.

        The shares of all processes together are exactly the plan, whatever their number.
        """
        ...


class RequestSource(Protocol):
    """What is sent: the same job gives the same requests, whichever process asks for them."""

    @property
    def arrivals(self) -> Arrivals | None:
        """Return the times that a recorded log brings along; None where the book's plan holds."""
        ...

    @property
    def endpoints(self) -> Sequence[str]:
        """Return the names of the endpoints, in the order of their numbers."""
        ...

    def batch(self, arrivals: Sequence[int]) -> Sequence[PlannedRequest]:
        """Return the requests of these arrivals (numbers from 0, over all processes); arrival i is the same in each."""
        ...


class Inspects(Protocol):
    """Whether an answer is a good one."""

    def inspect(self, endpoint: int, *, status: int, head: bytes, body: bytes) -> str | None:
        """Return None for a good answer, else in a few words what is wrong; called for every answer, so cheap.

        The words begin with `status ` for Outcome.BAD_STATUS and with `redirect ` for Outcome.REDIRECT; all else is
        Outcome.CHECK_FAILED.

        Args:
            endpoint: its number in the mix.
            status: of the answer.
            head: the answer up to the empty line, as it came.
            body: without its framing.
        """
        ...


@dataclass(slots=True, kw_only=True)
class EngineResult:
    """What an engine has to say at the end of a run."""

    total: Tally
    seconds: float
    """Of the counted part, the drain left out."""
    cpu_cores: float
    """Mean number of CPU cores that the sending processes used together."""
    starved_share: float
    resident_bytes: int
    """The most that the sending processes held together."""
    errors: tuple[str, ...] = ()
    """Why sending processes gave up; any of them makes the run invalid."""
    aborted: str = ""
    loop: str = ""
    """`open` or `closed` where it turned out by itself, as with a scenario; else it is that of the book."""


class Engine(Protocol):
    """Sends a load."""

    name: str

    def run(self, job: LoadJob, *, watch: Callable[[Frame], str]) -> EngineResult:
        """Send all of it, and end by itself.

        Args:
            job: what to send; its warm-up is not this engine's to do.
            watch: hears every frame of every process as it comes; a text that it returns ends the run early, with that
                as the reason.

        Raises:
            OpsError: nothing could be sent at all.
        """
        ...
