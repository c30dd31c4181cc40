"""What is the state of each item: all its evidence, then its signatures, then its waiver?"""

import shlex
from collections.abc import Sequence
from datetime import datetime
from itertools import combinations

from opsctl.checklist.answering import Newest, answers
from opsctl.checklist.book import ChecklistBook, Item
from opsctl.checklist.model import Answer, Judged, Present, Report, Signature, State, Waiver
from opsctl.checklist.signing import signatures
from opsctl.checklist.waiving import waiver
from opsctl.evidence.model import Record

_WORST_FIRST = (State.FAIL, State.STALE, State.UNKNOWN, State.PASS)


def judge(
    book: ChecklistBook,
    *,
    records: Sequence[Record],
    present: Present,
    now: datetime,
    only: frozenset[str] = frozenset(),
) -> Report:
    """Judge a book by the records of a ledger that was verified, the newest first."""
    newest = Newest(records)
    return Report(
        title=book.title,
        at=now,
        commit=present.commit(),
        items=tuple(
            _judged(code, book=book, newest=newest, records=records, present=present, now=now)
            for code in book.items
            if not only or code in only
        ),
    )


def _judged(
    code: str,
    *,
    book: ChecklistBook,
    newest: Newest,
    records: Sequence[Record],
    present: Present,
    now: datetime,
) -> Judged:
    item = book.items[code]
    every = [
        answer for query in item.all for answer in answers(query, newest=newest, present=present, now=now)
    ]
    some = [
        answer for query in item.any for answer in answers(query, newest=newest, present=present, now=now)
    ]
    chosen = best(some)
    counted = [*every, *([] if chosen is None else [chosen])]
    worst = min(counted, key=lambda answer: _WORST_FIRST.index(answer.state), default=None)
    signed = signatures(code, book=book, records=records, present=present, now=now)
    people, said = _signed(item, signed)
    beneath = min([each for each in (worst.state if worst else None, people) if each], key=_WORST_FIRST.index)
    reason = _reason(worst, said)
    set_aside, ended = waiver(code, book=book, records=records, now=now)
    if beneath is State.PASS:
        set_aside = None  # nothing to set aside: the waiver is shown only where it is needed
    elif ended:
        reason = f"{reason}; {ended}"
    return Judged(
        code=code,
        item=item,
        state=State.WAIVED if set_aside else beneath,
        beneath=beneath,
        reason=reason,
        answers=(*every, *some),
        deciding=_deciding(counted, worst),
        signatures=signed,
        waiver=set_aside,
        expires_at=_expiry(counted, signed, item=item, set_aside=set_aside),
        next_command=""
        if beneath is State.PASS
        else _next_command(code, worst, people, signed=signed, book=book),
    )


def best(some: Sequence[Answer]) -> Answer | None:
    """Return the answer that decides where one of several is enough: a failure only where all failed."""
    order = (State.PASS, State.STALE, State.UNKNOWN, State.FAIL)
    return min(some, key=lambda answer: order.index(answer.state), default=None)


def _deciding(counted: Sequence[Answer], worst: Answer | None) -> Answer | None:
    """Return the answer to show: the worst, and of those that pass the first with a figure."""
    if worst is None or worst.state is not State.PASS:
        return worst
    return next((answer for answer in counted if answer.number is not None), worst)


def _reason(worst: Answer | None, said: str) -> str:
    """Say why it is no pass: what the evidence lacks, then what people have not signed."""
    machine = ""
    if worst is not None and worst.reason:
        named = f"{worst.query.title or worst.query.kind}"
        about = f" {worst.subject}" if worst.subject and worst.record is not None else ""
        machine = worst.reason if worst.record is None else f"{named}{about}: {worst.reason}"
    return "; ".join(part for part in (machine, said) if part)


def _signed(item: Item, signed: Sequence[Signature]) -> tuple[State | None, str]:
    """Return what signatures say: stale where one no longer counts, unknown where nobody signed; None without any."""
    if item.sign is None:
        return None, ""
    good = _people(signed)
    if len(good) >= item.sign.signatures:
        return (
            (State.PASS, "")
            if _from_apart(signed, item.sign.signatures)
            else (State.UNKNOWN, _one_user(signed))
        )
    bad = [each for each in signed if each.trouble]
    if bad:
        return State.STALE, f"the signature of {bad[0].name} no longer counts: {bad[0].trouble}"
    missing = item.sign.signatures - len(good)
    wanted = "a signature is" if missing == 1 else f"{missing} signatures are"
    return State.UNKNOWN, f"{wanted} missing, of {' or '.join(item.sign.roles)}"


def _people(signed: Sequence[Signature]) -> dict[str, datetime]:
    """Return until when the word of each person counts; two accounts of one person are one person."""
    ends: dict[str, datetime] = {}
    for each in signed:
        if not each.trouble:
            person = each.name.casefold()
            ends[person] = max(each.expires_at, ends.get(person, each.expires_at))
    return ends


def _from_apart(signed: Sequence[Signature], wanted: int) -> bool:
    """Tell whether so many people signed, each as a user of their own: two names that one user typed show one person."""
    good = [each for each in signed if not each.trouble]
    return any(
        len({each.name.casefold() for each in some}) == len({each.by for each in some}) == wanted
        for some in combinations(good, wanted)
    )


def _one_user(signed: Sequence[Signature]) -> str:
    """Say why several names are not several people."""
    good = [each for each in signed if not each.trouble]
    names, users = ", ".join(each.name for each in good), sorted({each.by for each in good})
    return f"nobody can tell whether {names} are different people: all signed as {' or '.join(users)}"


def _next_command(
    code: str, worst: Answer | None, people: State | None, *, signed: Sequence[Signature], book: ChecklistBook
) -> str:
    """Return what to type next: what makes the evidence that lacks, else a signature, else what the item is about."""
    item = book.items[code]
    if worst is not None and worst.state is not State.PASS:
        if worst.query.refresh is not None:
            return shlex.join(("opsctl", *book.commands[worst.query.refresh].run))
        if worst.record is not None:
            return f"opsctl evidence show {worst.record.sequence}"
        return f"opsctl explain {code}"
    if item.sign is not None and people is not State.PASS:
        done = {each.account for each in signed if not each.trouble}
        may = [name for name, one in book.accounts.items() if one.role in item.sign.roles]
        left = next((name for name in may if name not in done), None)
        if left is None:  # all have signed, and nobody can tell that they are different people
            return f"opsctl explain {code}"
        return f"opsctl checklist sign {item.name} --as {left}"
    return f"opsctl explain {code}"


def _expiry(
    counted: Sequence[Answer], signed: Sequence[Signature], *, item: Item, set_aside: Waiver | None
) -> datetime | None:
    """Return when the state ends by itself, at the latest."""
    if set_aside is not None:
        return set_aside.expires_at
    moments = [answer.expires_at for answer in counted if answer.expires_at is not None]
    if item.sign is not None:
        ends = sorted(_people(signed).values(), reverse=True)
        moments += ends[: item.sign.signatures][-1:]
    return min(moments, default=None)
