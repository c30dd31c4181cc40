"""What every engine takes and gives, whether it is ours or Locust: a job in, frames while it runs, a total at the end."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from opsctl.bench.load.book import LoadBook
from opsctl.bench.load.model import Frame, Tally

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
    """

    name: str
    book: LoadBook
    address: Address
    headers: Mapping[str, str] = field(default_factory=dict)
    folder: Path = Path()
    replay: Path | None = None


class RequestSource(Protocol):
    """What is sent: the same job gives the same requests, whichever process asks for them."""

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
        """Return None for a good answer, else in a few words what is wrong; called for every answer, so cheap."""
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
