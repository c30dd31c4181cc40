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
from statistics import median

from opsctl.clients.wire import WireAnswer
from opsctl.security.context import Context
from opsctl.security.model import Answer, SecurityCheck, Trouble, Weight, failed, passed
from opsctl.security.probing.operations import Operation, leaves_of, operations_of, with_leaf
from opsctl.security.probing.sql import SLEEP_SECONDS, breaking, pairs, shows_sql, sleeping, substance
from opsctl.security.probing.target import ALL, UNLIMITED, Target, asking, stranger

_FIRST_DEFECT = 500
_TRIES = 3
_IDS = ("user_id", "content_id", "vendor_id")
_MORE_HEADERS = ("X-Request-Id", "User-Agent", "Referer", "traceparent", "X-Forwarded-For", "Accept-Language")


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
        for operation in operations_of(target.contract()):
            for spot in _spots(target, operation, key=key):
                spots += 1
                troubles += [Trouble(title=title, place=f"{operation} {spot.name}") for title in _betrayed(spot)]
    if troubles:
        return failed(
            f"{len({each.place for each in troubles})} of {spots} parameters may reach a statement as text",
            mend="pass values to the database as parameters, never as a part of the statement",
            troubles=tuple(troubles),
            parameters=spots,
        )
    return passed(f"{spots} parameters: no answer differs by what is injected, in words, substance or time", parameters=spots)


def _spots(target: Target, operation: Operation, *, key: str) -> Iterator[_Spot]:
    values = {each.name: stranger() for each in operation.parameters if each.name in _IDS}
    operation = _with_strangers(operation.with_values(values))
    for each in operation.parameters:
        yield _Spot(
            name=f"{each.where} `{each.name}`",
            good=each.example,
            ask=lambda value, name=each.name: _send(target, operation.with_values({name: value}), key=key),
        )
    for place, good in leaves_of(operation.body):
        yield _Spot(
            name=f"body `{'.'.join(map(str, place))}`",
            good=good,
            ask=lambda value, at=place: _send(
                target, replace(operation, body=with_leaf(operation.body, at, value)), key=key
            ),
        )
    if operation.path == "/v1/trending":
        yield from _header_spots(target, operation, key=key)


def _header_spots(target: Target, operation: Operation, *, key: str) -> Iterator[_Spot]:
    for name in _MORE_HEADERS:
        yield _Spot(
            name=f"header `{name}`",
            good="a",
            ask=lambda value, name=name: _send(target, operation, key=key, more=[(name, value)]),
        )
    prefix = "opk_abcdefgh"
    yield _Spot(name="the key itself", good=prefix, ask=lambda value: _send(target, operation, key=value))


def _send(
    target: Target, operation: Operation, *, key: str, more: Sequence[tuple[str, str]] = ()
) -> WireAnswer:
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
        if place[-1] in _IDS:
            body = with_leaf(body, place, stranger())
    return replace(operation, body=body)


def _betrayed(spot: _Spot) -> Iterator[str]:
    """Return how the answers of a spot betray that a value was run."""
    usual = median(spot.ask(str(spot.good)).seconds for _ in range(_TRIES))
    for value in breaking(spot.good):
        answer = spot.ask(value)
        words = shows_sql(answer.body)
        if words:
            yield f"shows `{words}` for a value that would break a statement"
        elif answer.status >= _FIRST_DEFECT:
            yield f"answers {answer.status} for a value that would break a statement"
    for pair in pairs(spot.good):
        if _tells_apart(spot, pair.true, pair.false) and _tells_apart(spot, pair.true, pair.false):
            yield "answers a condition that is true otherwise than one that is false"
    for slow, fast in sleeping(spot.good):
        if _sleeps(spot, slow, fast, usual=usual):
            yield f"takes {SLEEP_SECONDS:g} s longer where the value says so"


def _tells_apart(spot: _Spot, true: str, false: str) -> bool:
    return substance(*_told(spot.ask(true))) != substance(*_told(spot.ask(false)))


def _told(answer: WireAnswer) -> tuple[int, bytes]:
    return answer.status, answer.body


def _sleeps(spot: _Spot, slow: str, fast: str, *, usual: float) -> bool:
    """Tell whether an answer waits for the sleep, each time, and not where it says nothing of one."""
    longer = usual + SLEEP_SECONDS * 0.8
    return (
        spot.ask(slow).seconds > longer and spot.ask(fast).seconds < longer and spot.ask(slow).seconds > longer
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
