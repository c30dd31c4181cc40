"""What a named check answers: ok, warn, fail or skip, with the evidence and the way to mend it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

Context = TypeVar("Context")


class CheckStatus(StrEnum):
    """The four answers a check can give; `skip` says why it could not look."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What a check saw; `fix` is the command that mends it, where one exists."""

    status: CheckStatus
    evidence: str
    fix: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(Generic[Context]):
    """A named question about a context, with a stable code that `opsctl explain` knows."""

    code: str
    title: str
    run: Callable[[Context], CheckResult]

    @property
    def explanation(self) -> str:
        """Return the docstring of the check's function: what it looks at and why it matters."""
        return (self.run.__doc__ or "").strip()
