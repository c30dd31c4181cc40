"""What do the processes of a load tell each other, besides frames?"""

from dataclasses import dataclass

from opsctl.bench.load.parts import PartsOf
from opsctl.bench.load.ports import LoadJob


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """To a child, first: what to send."""

    job: LoadJob
    parts: PartsOf
    process: int
    of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """From a child: all is prepared."""

    process: int
    connections: int
    fault: str
    """Why there are not more connections."""
    is_tls_fault: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """Of a child, told by whoever hears that its pipe has ended: nothing more will come from it."""

    process: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """To a child: the moment of `time.monotonic()` at which the run begins, the same for all."""

    moment: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """To a child: start nothing more."""
