"""What is broken, under which load, and what must hold all the same: a book `ops/drills/<name>.yaml`."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from opsctl.chaos.expectations import Budget, Expect, Load, Mitigation, SteadyState, StopWhen
from opsctl.chaos.probes import Probe
from opsctl.chaos.steps import NOTHING, FaultPart, Length, Step, WaitStep, parts_of
from opsctl.config.model import StrictModel


class Control(StrEnum):
    """What a drill is for: itself, or to show that drills have teeth."""

    NONE = "none"
    """Judged as it stands."""
    NULL_DRILL = "null_drill"
    """Nothing is broken, and no alert may fire."""
    MUTED = "muted"
    """An alert is muted on purpose; the drill must go red because of it."""
    BREAKER_OFF = "breaker_off"
    """A protection is turned off on purpose; readers must feel it, and the drill go red."""


class Drill(StrictModel):
    """One drill."""

    title: Annotated[str, Field(min_length=1, max_length=200)]
    why: str = ""
    """What is hoped to be learned, in a sentence or two."""
    tags: tuple[Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")], ...] = ()
    """Profiles that hold it, such as `ci` or `nightly`."""
    catalogue: tuple[Annotated[int, Field(ge=1, le=38)], ...] = ()
    """Rows of the catalogue of faults that it covers."""
    control: Control = Control.NONE
    load: Load = Load()
    baseline: Length = "60s"
    """So long nothing is broken, to see what is usual."""
    steady_state: SteadyState = SteadyState()
    method: Annotated[list[Step], Field(min_length=1, max_length=50)]
    probes: Annotated[tuple[Probe, ...], Field(max_length=50)] = ()
    expect: Expect = Expect()
    stop_when: StopWhen = StopWhen()
    mitigation: Mitigation | None = None
    budget: Budget = Budget()

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not self.parts and not self.probes and self.control is not Control.NULL_DRILL:
            raise ValueError("no fault is made and nothing is probed, so nothing would be tested")
        if self.parts and isinstance(self.method[-1], WaitStep):
            raise ValueError("the method ends with a fault; what comes afterwards is watched anyway")
        return self

    @model_validator(mode="after")
    def _control_fits(self) -> Self:
        breaks = [part.fault for part in self.parts if part.fault != NOTHING]
        if self.control is Control.NULL_DRILL and (breaks or self.expect.alerts):
            raise ValueError("a drill without a fault breaks nothing and expects no alert")
        if self.control not in (Control.NONE, Control.NULL_DRILL) and not breaks:
            raise ValueError(f"the control `{self.control}` needs a fault")
        if self.control is Control.MUTED and not any(alert.told for alert in self.expect.alerts):
            raise ValueError("the control `muted` needs an alert of which somebody is to be told")
        return self

    @model_validator(mode="after")
    def _is_named_once(self) -> Self:
        for what, names in (
            ("alert", [alert.name for alert in self.expect.alerts]),
            ("probe", [probe.name for probe in self.probes]),
        ):
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice is not None:
                raise ValueError(f"the {what} `{twice}` stands twice")
        return self

    @property
    def parts(self) -> tuple[FaultPart, ...]:
        """Return every fault of the method in the order in which they are made."""
        return tuple(part for step in self.method for part in parts_of(step))
