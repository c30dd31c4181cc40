"""What is a check of security, and what can it answer: it passed, it failed, or it could not tell."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from opsctl.core.findings import Location
from opsctl.security.context import Context


class State(StrEnum):
    """How a check ended; `unknown` never counts as a pass, and only a waiver makes `waived` of one that did not."""

    PASS = "pass"  # noqa: S105 - a state, not a password
    FAIL = "fail"
    UNKNOWN = "unknown"
    WAIVED = "waived"


class Weight(StrEnum):
    """How bad it is when a check fails; the words of CVSS 3.1, whose scores SARIF wants."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One single thing that is wrong; a waiver may name its place.

    Args:
        title: what is wrong; never holds a secret.
        place: a file of the project, or a name such as `qdrant.url`, `:5432` or `key Xk29fQ4z`.
        location: where in a file, when it is one.
        mend: what to do about this one, where it differs from what the check says.
    """

    title: str
    place: str
    location: Location | None = None
    mend: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a check says; made by `passed`, `failed` and `could_not_tell`.

    Args:
        state: pass, fail or unknown.
        reason: what was seen, in one line.
        mend: how to mend a failure, or how to make an unknown tell.
        troubles: every single thing of a failure, or everything that could not be looked at.
        figures: what else is worth keeping, by name; it goes into the evidence, so it holds no secret.
    """

    state: State
    reason: str
    mend: str | None = None
    troubles: tuple[Trouble, ...] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityCheck:
    """One question about the project's security.

    Args:
        code: stable, such as `SEC003`; `opsctl explain` knows it.
        title: what is looked at, in a few words.
        weight: how bad a failure is.
        owasp: row of the OWASP Top 10:2025, such as `A03`.
        asvs: requirements of ASVS 5.0.0, level 1 or 2, such as `V13.3.1`.
        look: gives the answer; whatever it raises means that it could not tell.
        explanation: what `opsctl explain` prints: the docstring of its file.
        is_last: it looks at what the others have set in motion, such as logs and ports, so it is asked after them.
    """

    code: str
    title: str
    weight: Weight
    owasp: str
    asvs: tuple[str, ...]
    look: Callable[[Context], Answer]
    explanation: str
    is_last: bool = False


class CannotTellError(Exception):
    """Raised by a check, or by what it looks at, when nothing can be said.

    Args:
        reason: why not.
        mend: what would make it tell.
    """

    def __init__(self, reason: str, *, mend: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.mend = mend


def passed(reason: str, **figures: Any) -> Answer:
    """Return that all is well, and what was looked at."""
    return Answer(state=State.PASS, reason=reason, figures=figures)


def failed(reason: str, *, mend: str, troubles: tuple[Trouble, ...], **figures: Any) -> Answer:
    """Return that something is wrong.

    Raises:
        ValueError: nothing is named that is wrong.
    """
    if not troubles:
        raise ValueError("a failure names at least one trouble")
    return Answer(state=State.FAIL, reason=reason, mend=mend, troubles=troubles, figures=figures)


def could_not_tell(reason: str, *, mend: str, troubles: tuple[Trouble, ...] = (), **figures: Any) -> Answer:
    """Return that nothing can be said, why, what would make it tell, and, where it is in parts, of which parts."""
    return Answer(state=State.UNKNOWN, reason=reason, mend=mend, troubles=troubles, figures=figures)
