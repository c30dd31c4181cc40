"""Which failures are accepted, by whom, why and until when: the book `ops/waivers.yaml`."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from opsctl.config.model import StrictModel


def _as_date(value: object) -> object:
    """Take what YAML makes of `2027-03-01`, and the same in quotes; nothing else, so that no time of day slips in."""
    if type(value) is date:
        return value
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError as error:
            raise ValueError(f"`{value[:40]}` is no day; write it as `2027-03-01`") from error
    raise ValueError(f"`{str(value)[:40]}` is no day; write it as `2027-03-01`")


Day = Annotated[date, BeforeValidator(_as_date)]


class Waiver(StrictModel):
    """One failure that somebody accepts for a while."""

    code: Annotated[str, Field(pattern=r"^SEC\d{3}$")]
    """The check, such as `SEC003`."""
    place: Annotated[str, Field(min_length=1)] | None = None
    """Which single troubles, as the audit names their place; `*` stands for anything. Without it: all of the check."""
    state: Literal["fail", "unknown"] = "fail"
    """What is accepted: that it fails, or that it could not tell. One does not cover the other."""
    owner: Annotated[str, Field(min_length=2, max_length=100, pattern=r"\S")]
    """Who answers for it: a person or a team."""
    reason: Annotated[str, Field(min_length=10, max_length=1000, pattern=r"\S")]
    """Why it is accepted."""
    expires: Day
    """The last day on which it counts, such as `2027-03-01`."""


class WaiverBook(StrictModel):
    """The whole of `ops/waivers.yaml`."""

    waivers: Annotated[list[Waiver], Field(max_length=500)] = Field(default_factory=list)
    """What is accepted; each needs an owner, a reason and a last day."""
