"""Under which load is a drill held, what must hold meanwhile and afterwards, and what may it cost."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from opsctl.chaos.steps import Length, Pause
from opsctl.config.model import StrictModel
from opsctl.config.quantities import Share

Rate = Annotated[float, Field(ge=0, le=100_000)]
AlertName = Annotated[str, Field(pattern=r"^[A-Za-z_]\w{0,99}$")]


class Load(StrictModel):
    """Who asks while the drill is held, at a steady pace."""

    returning_per_second: Rate = 20.0
    """Readers who come back, so that caches may know their feeds."""
    new_per_second: Rate = 5.0
    """Readers who never came."""
    interactions_per_second: Rate = 0.0
    retries: Annotated[int, Field(ge=0, le=10)] = 0
    """How often a client asks again after a failure."""

    @property
    def per_second(self) -> float:
        """Return the requests a second, retries apart."""
        return self.returning_per_second + self.new_per_second + self.interactions_per_second


class SteadyState(StrictModel):
    """What all is well means; it must hold before anything is broken, and again afterwards."""

    availability: Annotated[float, Field(gt=0, lt=1)] = 0.995
    """The part of the requests that must end well: a status below 400, and a feed that is not empty."""
    p99: Length = "500ms"
    empty_feeds: Annotated[int, Field(ge=0)] = 0
    """So many empty feeds may be answered."""
    max_share: Share | None = None
    """The part of the requests that may miss while the fault is on; left out: what `availability` leaves."""
    fault_p99: Length | None = None
    """p99 while the fault is on; left out: `p99`."""
    min_samples: Annotated[int, Field(ge=0)] = 100
    """With fewer requests in a phase nothing can be said; 0 for drills that stop the traffic themselves."""

    @property
    def allowed_share(self) -> float:
        """Return the part of the requests that may miss while the fault is on."""
        return 1 - self.availability if self.max_share is None else self.max_share


class ExpectedAlert(StrictModel):
    """An alert that the fault must raise."""

    name: AlertName
    detect_within: Length
    """From the fault to the message at a receiver."""
    resolve_within: Length = "10m"
    """From the undo to the message that it is over."""
    told: bool = True
    """False: nobody is told of it, and Prometheus showing it as firing is enough."""


class ExpectedCounter(StrictModel):
    """What the service itself must have counted while the fault was on."""

    metric: Annotated[str, Field(pattern=r"^ranking_[a-z0-9_]{1,90}$")]
    labels: dict[str, str] = Field(default_factory=dict)
    """All series that have these labels count, whatever else they have."""
    grows_by_at_least: Annotated[float, Field(gt=0)] = 1.0


class Expect(StrictModel):
    """What must be seen while the fault is on, and how soon it must be over."""

    tier: Literal["multi_agent", "simple", "trending", "any"] = "any"
    """Exactly which tier serves requests that were not cached: a better one would mean that the fault had no effect."""
    tier_share: Share = 0.9
    """At least this part of the fresh answers is of that tier; the rest is what it takes to notice."""
    stale_allowed: bool = True
    alerts: Annotated[tuple[ExpectedAlert, ...], Field(max_length=50)] = ()
    allowed_pages: Annotated[tuple[AlertName, ...], Field(max_length=50)] = ()
    """These may wake somebody, and need not."""
    no_other_pages: bool = True
    counters: Annotated[tuple[ExpectedCounter, ...], Field(max_length=50)] = ()
    """What the service must have counted: that the fault was noticed at all, and where."""
    recovery: Length = "30s"
    """From the undo until good answers a second are back at 95 % of what they were before."""
    tier_recovery: Length = "60s"
    """From the undo until the agents make fresh answers again: 95 % of the share that they made before."""
    restarts_allowed: Annotated[int, Field(ge=0)] = 0
    restarts_at_least: Annotated[int, Field(ge=0)] = 0
    """With fewer, the fault that was to end processes had no effect."""
    most_attempts: Annotated[float, Field(ge=1)] | None = None
    """Requests with retries over requests without, such as 1.1: what clients that repeat add."""
    most_calls: dict[Literal["vectors", "model"], Annotated[float, Field(ge=1)]] = Field(default_factory=dict)
    """Calls to a dependency for each feed that was made, over what is usual: what the service's own retries add."""

    @model_validator(mode="after")
    def _restarts_fit(self) -> Self:
        if self.restarts_at_least > self.restarts_allowed:
            raise ValueError("`restarts_at_least` is more than `restarts_allowed`")
        return self


class StopWhen(StrictModel):
    """When the fault is undone at once, because it does more than was meant."""

    availability_below: Share = 0.5
    lasts: Annotated[Length, Field(alias="for")] = "15s"


class Mitigation(StrictModel):
    """What the runbook does; it must end the trouble while the fault is still on."""

    command: Annotated[str, Field(min_length=1, max_length=1000)]
    runbook: str = ""
    """The file and step that the command comes from."""
    after: Pause = "0s"
    """Not before this time since the fault, and not before the expected alerts have arrived."""
    ends_within: Length
    """From the command until good answers a second are back at 95 % of what they were before."""


class Budget(StrictModel):
    """What the drill may cost, in minutes of the service level: 1 is what may fail in a minute of usual traffic."""

    sli_minutes: Annotated[float, Field(ge=0)] | None = None
    """Left out: `max_share` of the requests while the fault is on."""
