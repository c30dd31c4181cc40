"""What does a book of waivers change in an answer, and which of its lines count no more, or cover nothing?"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fnmatch import fnmatchcase

from opsctl.core.errors import UsageError
from opsctl.security.model import Answer, State, Trouble
from opsctl.security.waiver_book import Waiver, WaiverBook

LONGEST_DAYS = 366
"""A waiver that ends later than this counts not: whoever accepts a risk looks at it again within a year."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """One thing that a waiver covers; `trouble` is None where a check could not tell anything at all."""

    waiver: Waiver
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waived:
    """What is left of an answer after the waivers, and what they covered."""

    state: State
    troubles: tuple[Trouble, ...]
    accepted: tuple[Accepted, ...]


def require_known(book: WaiverBook, *, codes: Iterable[str], file: str) -> None:
    """Refuse a waiver of a check that does not exist: it would cover nothing, and nobody would be told.

    Raises:
        UsageError: SEC091.
    """
    known = sorted(codes)
    unknown = [waiver.code for waiver in book.waivers if waiver.code not in known]
    if unknown:
        raise UsageError(
            f"`{file}` waives `{unknown[0]}`, which is no check",
            code="SEC091",
            fix="see the codes: opsctl security audit --list",
        )


def why_not_counted(waiver: Waiver, *, today: date) -> str | None:
    """Return why a waiver does not count; None where it does. It counts on its last day, too."""
    if waiver.expires < today:
        return f"it ended on {waiver.expires}"
    if waiver.expires > today + timedelta(days=LONGEST_DAYS):
        return f"it would end on {waiver.expires}, more than {LONGEST_DAYS} days from now"
    return None


def waive(code: str, answer: Answer, *, waivers: Sequence[Waiver], today: date) -> Waived:
    """Return what is left of the answer of a check."""
    if answer.state is State.PASS:
        return Waived(state=answer.state, troubles=(), accepted=())
    counted = [
        each
        for each in waivers
        if each.code == code
        and each.state == str(answer.state)
        and why_not_counted(each, today=today) is None
    ]
    if not answer.troubles:  # it could not tell anything at all
        accepted = tuple(Accepted(waiver=each) for each in counted if each.place is None)[:1]
        return Waived(state=State.WAIVED if accepted else answer.state, troubles=(), accepted=accepted)
    return _waive_each(answer, counted)


def _waive_each(answer: Answer, waivers: Sequence[Waiver]) -> Waived:
    left, accepted = list[Trouble](), list[Accepted]()
    for trouble in answer.troubles:
        covering = next((each for each in waivers if _covers(each, trouble)), None)
        if covering is None:
            left.append(trouble)
        else:
            accepted.append(Accepted(waiver=covering, trouble=trouble))
    state = answer.state if left else State.WAIVED
    return Waived(state=state, troubles=tuple(left), accepted=tuple(accepted))


def _covers(waiver: Waiver, trouble: Trouble) -> bool:
    return waiver.place is None or fnmatchcase(trouble.place, waiver.place)
