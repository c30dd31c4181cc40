"""Does any parameter of any operation reach the database as a part of a statement?

Every parameter of path, query and header, and every value of every body that the service's OpenAPI document names, and
a few headers that it does not, are asked with values that would break a statement, that would make it true or false,
and that would let the database sleep. An injection would show itself by a 5xx or by words of a database's error, by
answers that differ between true and false, or by an answer that takes the time of the sleep; the last two are asked
again before they count, against the same request without the sleep.

Only forms that narrow a statement are sent, about readers and items that nobody has. That no statement is put together
from text is also checked in the source, by the linter's rule S608.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import median
from typing import Protocol

from opsctl.clients.wire import Fields, WireAnswer
from opsctl.security.context import Context
from opsctl.security.model import Answer, SecurityCheck, Trouble, Weight, failed, passed
from opsctl.security.probing.operations import Operation, leaves_of, operations_of, with_leaf
from opsctl.security.probing.shortage import is_unready, only_there
from opsctl.security.probing.sql import SLEEP_SECONDS, breaking, pairs, shows_sql, sleeping, substance
from opsctl.security.probing.target import ALL, UNLIMITED, Target, asking, stranger

_FIRST_DEFECT = 500
_TRIES = 3
_CONFIRMATIONS = 3
_IDS = ("user_id", "content_id", "vendor_id")
_MORE_HEADERS = ("X-Request-Id", "User-Agent", "Referer", "traceparent", "X-Forwarded-For", "Accept-Language")


class _Send(Protocol):
    def __call__(self, operation: Operation, *, more: Fields = ()) -> WireAnswer: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spot:
    """One place into which a value can be put."""

    name: str
    good: object
    ask: Callable[[str], WireAnswer]


def look(context: Context) -> Answer:
    """Ask at every spot."""
    key = context.service.key(plan=UNLIMITED, scopes=ALL)
    troubles: list[Trouble] = []
    spots = 0
    with asking(context) as target:
        target.require_honest_served(key)
        for operation in operations_of(target.contract()):
            for spot in _spots(target, operation, key=key):
                spots += 1
                troubles += [
                    Trouble(title=title, place=f"{operation} {spot.name}") for title in _betrayed(spot)
                ]
    if troubles:
        return failed(
            f"{len({each.place for each in troubles})} of {spots} parameters may reach a statement as text",
            mend="pass values to the database as parameters, never as a part of the statement",
            troubles=tuple(troubles),
            parameters=spots,
        )
    if target.shortage:
        return target.shortage.answer()
    return passed(
        f"{spots} parameters: no answer differs by what is injected, in words, substance or time",
        parameters=spots,
    )


def _spots(target: Target, operation: Operation, *, key: str) -> Iterator[_Spot]:
    """Return the spots of an operation; none where it does not even answer a good request, which is kept as a shortage."""
    values = {each.name: stranger() for each in operation.parameters if each.name in _IDS}
    asked = _with_strangers(operation.with_values(values))
    send = partial(_send, target, key=key)
    if is_unready(send(asked)):
        return
    for each in asked.parameters:
        name = f"{each.where} `{each.name}`"
        yield _Spot(name=name, good=each.example, ask=partial(_as_parameter, send, asked, each.name))
    for place, good in leaves_of(asked.body) if asked.body is not None else ():
        name = f"body `{'.'.join(map(str, place))}`"
        yield _Spot(name=name, good=good, ask=partial(_in_body, send, asked, place))
    if asked.path == "/v1/trending":
        for name in _MORE_HEADERS:
            yield _Spot(name=f"header `{name}`", good="a", ask=partial(_as_header, send, asked, name))
        yield _Spot(name="the key itself", good="opk_abcdefgh", ask=partial(_as_key, target, asked))


def _as_parameter(send: _Send, operation: Operation, name: str, value: str) -> WireAnswer:
    return send(operation.with_values({name: value}))


def _in_body(send: _Send, operation: Operation, place: Sequence[str | int], value: str) -> WireAnswer:
    return send(replace(operation, body=with_leaf(operation.body, place, value)))


def _as_header(send: _Send, operation: Operation, name: str, value: str) -> WireAnswer:
    return send(operation, more=[(name, value)])


def _as_key(target: Target, operation: Operation, value: str) -> WireAnswer:
    return _send(target, operation, key=value)


def _send(target: Target, operation: Operation, *, key: str, more: Fields = ()) -> WireAnswer:
    return target.ask(
        operation.method,
        operation.target(),
        key=key,
        headers=[*operation.headers(), *more],
        body=operation.body_bytes(),
    )


def _with_strangers(operation: Operation) -> Operation:
    body = operation.body
    for place, _ in list(leaves_of(body)):
        if place and place[-1] in _IDS:
            body = with_leaf(body, place, stranger())
    return replace(operation, body=body)


def _betrayed(spot: _Spot) -> Iterator[str]:
    """Return how the answers of a spot betray that a value was run."""
    good = partial(spot.ask, str(spot.good))
    usual = median(good().seconds for _ in range(_TRIES))
    for value in breaking(spot.good):
        answer = spot.ask(value)
        words = shows_sql(answer.body)
        if words:
            yield f"shows `{words}` for a value that would break a statement"
        elif _is_defect(answer, partial(spot.ask, value), good):
            yield f"answers {answer.status} for a value that would break a statement"
    for pair in pairs(spot.good):
        if _tells_apart(spot, pair.true, pair.false) and _tells_apart(spot, pair.true, pair.false):
            yield "answers a condition that is true otherwise than one that is false"
    for slow, fast in sleeping(spot.good):
        if _sleeps(spot, slow, fast, usual=usual):
            yield f"takes {SLEEP_SECONDS:g} s longer where the value says so"


def _is_defect(answer: WireAnswer, bad: Callable[[], WireAnswer], good: Callable[[], WireAnswer]) -> bool:
    """Tell whether a value made the service fail: a statement that breaks may end in a 503, too."""
    return only_there(bad, good) if is_unready(answer) else answer.status >= _FIRST_DEFECT


def _tells_apart(spot: _Spot, true: str, false: str) -> bool:
    one, other = spot.ask(true), spot.ask(false)
    if is_unready(one) or is_unready(other):
        asked = partial(spot.ask, true), partial(spot.ask, false)
        return only_there(*asked) or only_there(*reversed(asked))
    return substance(one.status, one.body, sent=true) != substance(other.status, other.body, sent=false)


def _sleeps(spot: _Spot, slow: str, fast: str, *, usual: float) -> bool:
    """Tell whether an answer waits for the sleep, each time, and not where it says nothing of one."""
    longer = usual + SLEEP_SECONDS * 0.8
    return all(
        spot.ask(slow).seconds > longer and spot.ask(fast).seconds < longer for _ in range(_CONFIRMATIONS)
    )


CHECK = SecurityCheck(
    code="SEC106",
    title="no injection into SQL",
    weight=Weight.CRITICAL,
    owasp="A05",
    asvs=("V1.2.4",),
    look=look,
    explanation=__doc__ or "",
)
