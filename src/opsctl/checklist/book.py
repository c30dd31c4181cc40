"""What must be true before production, how is each of it known, and who signs: the book `ops/checklist.yaml`."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from opsctl.checklist.book_commands import Commands, problem_of_commands
from opsctl.checklist.book_query import Query
from opsctl.checklist.book_routines import Rhythm, Routine
from opsctl.config.model import StrictModel
from opsctl.config.quantities import PositiveDuration
from opsctl.core.units import parse_duration

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
Line = Annotated[
    str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]+$")
]
Code = Annotated[str, Field(pattern=r"^CHK0[0-9]{2}$")]

MOST_WAIVER_DAYS = 90


class Group(StrEnum):
    """Where an item stands on the page."""

    READINESS = "readiness"
    """What is to be done before production."""
    METRICS = "metrics"
    """What must be reached."""


class Account(StrictModel):
    """Somebody who may sign. A name is no password: the record says which user of which machine signed, too."""

    name: Line
    """The person, as it is to be read on the page."""
    role: Name
    """What they answer for."""


class Signing(StrictModel):
    """That people have to sign an item."""

    roles: Annotated[tuple[Name, ...], Field(min_length=1, max_length=20)]
    """Whose signature counts."""
    signatures: Annotated[int, Field(ge=1, le=5)] = 1
    """How many different accounts have to sign; two for the rule of two persons."""
    expires: PositiveDuration = "90d"
    """How long a signature holds at most."""
    same_commit: bool = True
    """A signature is for the commit that was checked out; without this it outlives the next one."""


class Waivers(StrictModel):
    """Who may set an item aside for a while."""

    roles: Annotated[tuple[Name, ...], Field(max_length=20)] = ()
    """Nobody, without any."""
    longest: PositiveDuration = "90d"
    """A waiver is for this time at most, 90 days at most."""

    @model_validator(mode="after")
    def _not_for_ever(self) -> Self:
        if parse_duration(self.longest) > MOST_WAIVER_DAYS * 86400:
            raise ValueError(f"`longest` is `{self.longest}`; a waiver is for {MOST_WAIVER_DAYS}d at most")
        return self


class Item(StrictModel):
    """One thing that must be true, and how that is known."""

    name: Name
    """Short, for commands and programs."""
    title: Line
    group: Group = Group.READINESS
    why: Annotated[str, Field(min_length=1, max_length=2000)]
    """What it is for, and what its evidence does not show; `opsctl explain CODE` prints it."""
    all: Annotated[tuple[Query, ...], Field(max_length=50)] = ()
    """Evidence that must all hold."""
    any: Annotated[tuple[Query, ...], Field(max_length=50)] = ()
    """Evidence of which one must hold, beside all of `all`."""
    sign: Signing | None = None
    """Who has to sign, beside the evidence: a signature never stands for a measurement."""

    @model_validator(mode="after")
    def _is_checked(self) -> Self:
        if not self.all and not self.any and self.sign is None:
            raise ValueError(
                "nothing checks it: give it evidence under `all` or `any`, or let somebody `sign` it"
            )
        return self

    @property
    def queries(self) -> tuple[Query, ...]:
        """Return all evidence that it asks for."""
        return (*self.all, *self.any)


class ChecklistBook(StrictModel):
    """The whole of `ops/checklist.yaml`."""

    title: Line = "Ready for production"
    accounts: Annotated[dict[Name, Account], Field(max_length=500)] = Field(default_factory=dict)
    """Who may sign, by the name that `--as` takes."""
    waivers: Waivers = Waivers()
    """Who may set an item aside."""
    items: Annotated[dict[Code, Item], Field(min_length=1, max_length=99)]
    """By code, which never changes and is never used again."""
    commands: Commands = Field(default_factory=dict)
    """What makes the evidence, by name; `run --refresh` runs those that are needed, in order."""
    routines: Annotated[dict[Rhythm, Routine], Field(max_length=3)] = Field(default_factory=dict)
    """What is looked at daily, weekly and monthly."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for problem in (
            *self._names(),
            *self._refreshes(),
            *self._roles(),
            *problem_of_commands(self.commands),
        ):
            raise ValueError(problem)
        return self

    def _names(self) -> Iterator[str]:
        seen: dict[str, str] = {}
        for code, item in self.items.items():
            if item.name in seen:
                yield f"`items.{code}.name` is `{item.name}`, which {seen[item.name]} has already"
            seen.setdefault(item.name, code)

    def _refreshes(self) -> Iterator[str]:
        for code, item in self.items.items():
            for query in item.queries:
                if query.refresh is not None and query.refresh not in self.commands:
                    yield f"`items.{code}`: there is no command `{query.refresh}` under `commands`"

    def _roles(self) -> Iterator[str]:
        known = {account.role for account in self.accounts.values()}
        for code, item in self.items.items():
            if item.sign is None:
                continue
            may = {each.name.casefold() for each in self.accounts.values() if each.role in item.sign.roles}
            if len(may) < item.sign.signatures:
                roles = ", ".join(f"`{role}`" for role in item.sign.roles)
                count = "1 signature" if item.sign.signatures == 1 else f"{item.sign.signatures} signatures"
                yield (
                    f"`items.{code}.sign` wants {count} of {roles}, "
                    f"and {len(may)} of the people with an account can give one"
                )
        for role in self.waivers.roles:
            if role not in known:
                yield f"`waivers.roles`: no account has the role `{role}`"
        for rhythm, routine in self.routines.items():
            if not any(account.role in routine.roles for account in self.accounts.values()):
                yield f"`routines.{rhythm}.roles`: no account has one of them"
