"""Which record of the ledger shows that something is true: kind, subject, verdict, figure, age, and what it is bound to."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from opsctl.checklist.kinds import known_inputs
from opsctl.checklist.quantity import Unit, written
from opsctl.config.model import StrictModel
from opsctl.config.quantities import PositiveDuration

Kind = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$", max_length=100)]
Subject = Annotated[str, Field(min_length=1, max_length=200)]
GitPath = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^:/\x00-\x1f][^\x00-\x1f]*$")]

_BOUNDS = ("at_least", "at_most", "above", "below")
_SIGNS = {"at_least": ">=", "at_most": "<=", "above": ">", "below": "<"}


class Query(StrictModel):
    """One question to the ledger; the newest record of each subject answers it."""

    kind: Kind
    """What was done, such as `bench.load`."""
    subject: Subject | None = None
    """To what; without it and without `subjects` any subject will do."""
    subjects: Annotated[tuple[Subject, ...], Field(max_length=200)] = ()
    """To each of these."""
    title: Annotated[str, Field(max_length=120)] = ""
    """What the figure is, where its path does not say so."""
    verdict: Literal["pass", "any"] = "pass"
    """`any` where only the figure counts: a load that missed another gate still has a p99. Never what cannot tell."""
    figure: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """Path of a number in the record's figures, such as `response.p99_ms`."""
    at_least: float | None = None
    at_most: float | None = None
    above: float | None = None
    below: float | None = None
    unit: Unit = Unit.NUMBER
    """How the figure is written."""
    max_age: PositiveDuration | None = None
    """How old it may be, where that is less than the record's own expiry."""
    same_commit: bool = False
    """It must be of the commit that is checked out, without changes."""
    unchanged: Annotated[tuple[GitPath, ...], Field(max_length=50)] = ()
    """Files and folders, relative to the project, that must not differ from the commit of the record."""
    inputs: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(max_length=10)] = ()
    """Inputs of the record, such as `book`, that must be what the project's files are now."""
    refresh: Annotated[str, Field(min_length=1)] | None = None
    """The command under `commands` that makes it."""

    @model_validator(mode="after")
    def _is_a_question(self) -> Self:
        bounds = [name for name in _BOUNDS if getattr(self, name) is not None]
        if self.subject is not None and self.subjects:
            raise ValueError("`subject` is for one, `subjects` for several; write one of them")
        if len(set(self.subjects)) < len(self.subjects):
            raise ValueError("a subject stands twice under `subjects`")
        if self.figure is None and bounds:
            raise ValueError(f"`{bounds[0]}` is a bound of nothing: name the `figure`")
        if self.figure is not None and len(bounds) != 1:
            raise ValueError(f"a figure needs one bound: {', '.join(f'`{name}`' for name in _BOUNDS)}")
        if self.figure is None and self.verdict == "any":
            raise ValueError("`verdict: any` without a figure would be met by a failure")
        unknown = [name for name in self.inputs if name not in known_inputs(self.kind)]
        if unknown:
            known = ", ".join(f"`{name}`" for name in known_inputs(self.kind)) or "none"
            raise ValueError(
                f"what `{unknown[0]}` of a record `{self.kind}` is now cannot be told; inputs that can: {known}"
            )
        return self

    @property
    def wanted_subjects(self) -> tuple[str, ...]:
        """Return the subjects that are named; none where any will do."""
        return (self.subject,) if self.subject is not None else self.subjects

    @property
    def target(self) -> str:
        """Return the bound as it is read: `< 500 ms`; `pass` where a verdict is asked for."""
        for name in _BOUNDS:
            bound = getattr(self, name)
            if bound is not None:
                return f"{_SIGNS[name]} {written(bound, self.unit)}"
        return "pass"

    def holds(self, number: float) -> bool:
        """Tell whether a figure is within the bound."""
        return (
            (self.at_least is None or number >= self.at_least)
            and (self.at_most is None or number <= self.at_most)
            and (self.above is None or number > self.above)
            and (self.below is None or number < self.below)
        )
