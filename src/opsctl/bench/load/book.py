"""What load is sent, to whom, and what must hold under it: a book `ops/loads/<name>.yaml`."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from opsctl.bench.load.gates import CLOCKS, TIERS, parse_gate
from opsctl.bench.load.phases import LONGEST_SECONDS, Length, Pause, Phase, phase_seconds
from opsctl.config.model import StrictModel
from opsctl.config.quantities import Share
from opsctl.core.units import parse_duration

PLACEHOLDERS = ("user", "content", "key", "now")
"""What may stand in braces in a path or a body."""

_FRAMING = frozenset({"connection", "content-length", "expect", "keep-alive", "transfer-encoding", "upgrade"})


def _checked_name(name: str) -> str:
    if name in CLOCKS or name in TIERS:
        raise ValueError(f"`{name}` has a meaning in gates; choose another name")
    return name


def _checked_gate(text: str, info: ValidationInfo) -> str:
    parse_gate(text, endpoints=info.data.get("mix"))  # None while the mix itself is wrong
    return text


def _checked_path(path: str) -> str:
    for name in re.findall(r"\{([^{}]*)\}", path):
        if name not in PLACEHOLDERS:
            known = ", ".join(f"`{{{each}}}`" for each in PLACEHOLDERS)
            raise ValueError(f"nothing is called `{{{name}}}`; there are {known}")
    return path


def _checked_header(name: str) -> str:
    if name.lower() in _FRAMING:
        raise ValueError(f"`{name}` is the sender's own: it frames the requests")
    return name


def _without_repeats(headers: dict[str, str]) -> dict[str, str]:
    if len({name.lower() for name in headers}) != len(headers):
        raise ValueError("a header stands twice, in capital and small letters")
    return headers


Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$"), AfterValidator(_checked_name)]
GateText = Annotated[str, Field(max_length=100), AfterValidator(_checked_gate)]
Method = Literal["GET", "POST", "PUT", "DELETE", "HEAD"]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,60}$")]
HeaderValue = Annotated[str, Field(pattern=r"^[\t\x20-\x7e]{0,4000}$")]


class Users(StrictModel):
    """Who asks: users 1 to `count`, the popular ones more often."""

    count: Annotated[int, Field(ge=1, le=10_000_000)] = 10_000
    zipf: Annotated[float, Field(ge=0, le=5)] = 1.0
    """Exponent: user of rank r comes with weight 1 / r**zipf; 0 makes all alike. Ranks are shuffled by the seed."""


class Contents(StrictModel):
    """Which items stand for `{content}`: 1 to `count`, the popular ones more often."""

    count: Annotated[int, Field(ge=1, le=10_000_000)] = 1_000
    zipf: Annotated[float, Field(ge=0, le=5)] = 1.0


class Check(StrictModel):
    """What makes an answer a good one; anything else counts as an error under its own name."""

    status: Annotated[list[Annotated[int, Field(ge=100, le=599)]], Field(min_length=1)] = [200]
    json_path: Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*$")] | None = None
    """A dotted path in the JSON body that must hold something not empty, such as `items`."""
    schema_file: str | None = None
    """A JSON Schema beside the book that sampled bodies must fit."""
    headers: list[HeaderName] = []
    """Headers that must be there, such as `X-Cache`."""
    sample: Share = 0.01
    """The part of the answers whose body is read as JSON; status and length are checked in every one."""


class Endpoint(StrictModel):
    """One kind of request.

    In path and body may stand `{user}`, `{content}`, `{key}` (a fresh idempotency key) and `{now}` (when the run began).
    """

    share: Annotated[float, Field(gt=0, le=1_000_000)]
    """Its weight among all endpoints."""
    method: Method = "GET"
    path: Annotated[str, Field(pattern=r"^/[^\s\x00-\x1f\x7f]{0,2000}$"), AfterValidator(_checked_path)]
    headers: Annotated[
        dict[Annotated[HeaderName, AfterValidator(_checked_header)], HeaderValue],
        AfterValidator(_without_repeats),
    ] = {}
    body: Annotated[str, Field(max_length=1_000_000)] | None = None
    check: Check = Check()


class WarmUp(StrictModel):
    """What happens before anything is counted."""

    every_user: bool = False
    """Ask once for each user's first endpoint, with `concurrency` requests at a time (users that L1 knows answer at once)."""
    concurrency: Annotated[int, Field(ge=1, le=1000)] = 16
    duration: Pause = "2s"
    """Then the first phase's rate for so long, uncounted."""


class Shadow(StrictModel):
    """A small part of the arrivals is repeated as an exact search, to measure recall under load on a budget."""

    share: Share = 0.001
    most_per_second: Annotated[float, Field(gt=0, le=1000)] = 5.0
    limit: Annotated[int, Field(ge=1, le=1000)] = 10


class Limits(StrictModel):
    """Bounds of the sending side."""

    connections: Annotated[int, Field(ge=1, le=20_000)] = 64
    """Kept-alive connections of each process; a request waits for a free one, and that wait counts as latency."""
    timeout: Length = "10s"
    """For one answer, from when it was sent."""
    drain: Pause = "10s"
    """How long after the last arrival answers are waited for; what is still out then is censored."""
    most_waiting: Annotated[int, Field(ge=1, le=10_000_000)] = 200_000
    """Requests that may wait for a connection; beyond, arrivals are dropped, counted, and the run is invalid."""

    @property
    def timeout_seconds(self) -> float:
        """Return the longest wait for one answer."""
        return parse_duration(self.timeout)

    @property
    def drain_seconds(self) -> float:
        """Return the longest wait after the last arrival."""
        return parse_duration(self.drain)


class Validity(StrictModel):
    """When a run says nothing about the service, because the sender or the surroundings were at fault."""

    lag_share: Share = 0.1
    """Generator lag p99 above this share of the objective (the smallest latency gate, else 1 s) is invalid."""
    achieved_share: Share = 0.99
    """Fewer requests sent than this share of the plan is invalid."""
    starved_share: Share = 0.1
    """The sender waiting longer than this share of the time for a CPU is a warning; it is invalid where its lag says that the
    waits mattered (p99 above 1 % of the objective), and above half of the time in any case."""
    cache: Literal["steady", "any"] = "steady"
    """`steady`: the L1 hit ratio of the last third may differ from the first third's by at most 5 points."""


class LoadBook(StrictModel):
    """One load."""

    title: Annotated[str, Field(max_length=200)] = ""
    target: Annotated[str, Field(pattern=r"^(service|https?://[^\s/]+(:\d+)?)$")] = "service"
    """`service`: the one of this project; or an address. Only loopback, unless the command line says otherwise."""
    seed: Annotated[int, Field(ge=0)] = 1
    loop: Literal["open", "closed"] = "open"
    """`closed` sends the next request when the last one is answered, which hides waiting; for comparison only."""
    users: Users = Users()
    contents: Contents = Contents()
    mix: Annotated[dict[Name, Endpoint], Field(min_length=1, max_length=50)]
    warm_up: WarmUp = WarmUp()
    arrivals: Annotated[list[Phase], Field(min_length=1, max_length=100)]
    gates: list[GateText] = []
    """Such as `p99 < 500ms`, `error_rate < 0.1%`, `hit_ratio > 80%`, `recall >= 0.95`, `feed.p99 < 100ms`."""
    abort: list[GateText] = []
    """Gates whose clear miss over ten seconds ends the run early, such as `error_rate < 20%`."""
    shadow: Shadow | None = None
    processes: Annotated[int, Field(ge=1, le=256)] = 1
    limits: Limits = Limits()
    validity: Validity = Validity()
    ca_file: str | None = None
    """Certificates that are trusted besides the system's, for an `https` target."""

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.duration_seconds > LONGEST_SECONDS:
            raise ValueError("a load ends within seven days")
        return self

    @property
    def duration_seconds(self) -> float:
        """Return the length of all phases."""
        return sum(phase_seconds(phase) for phase in self.arrivals)
