"""Is the rate limit of plan `free` really enforced: for a reader, exactly, over all workers, and whatever tricks a client tries?

A reader whom nobody knows is asked for with a fresh key until the service refuses, and every answer that is no 429 is
counted: at least as many as the plan says, and no more than that plus what refilled meanwhile. The requests come over
many connections, so over many workers; with two keys in turn; with headers that claim another address or another user;
with the reader's id written in several ways; and some of them are invalid, because these cost the service something
too. However small the allowance, every way to ask comes twice with each key after it is used up. A refusal has to say when to come again, and then one more has to pass; another reader is not concerned.

Fails also where the plan allows more than 1,000 requests an hour, which is what the service promises.
"""

import itertools
import math
import re
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from opsctl.clients.wire import Fields, WireAnswer
from opsctl.security.context import Context
from opsctl.security.model import Answer, CannotTellError, SecurityCheck, Trouble, Weight, failed, passed
from opsctl.security.probing.shortage import is_unready
from opsctl.security.probing.target import Target, asking, stranger

_PROMISED_PER_HOUR = 1000
_MOST_REQUESTS = 5_000
_CONNECTIONS_AT_ONCE = 4
# Of a connection at most, and connections at least: one alone may never reach the other workers.
_REQUESTS_EACH, _FEWEST_CONNECTIONS = 25, 16
_ROUNDS_BEYOND = 2
# Where one way to ask evades the limit, the others are used up well before the last of these.
_LAST = 60
_LONGEST_WAIT_SECONDS = 10
_REFUSED, _FIRST_DEFECT = 429, 500
_NUMBER = re.compile(r"[0-9]{1,9}")  # a digit of Unicode is one for `isdigit`, and none for `int`


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trick:
    name: str
    target: str
    method: str = "GET"
    headers: Fields = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    trick: str
    answer: WireAnswer
    began: float
    ended: float


def look(context: Context) -> Answer:
    """Use up the allowance of a reader, and count."""
    keys = [context.service.key(plan="free"), context.service.key(plan="free")]
    reader = stranger()
    with asking(context) as target:
        first = target.get(f"/v1/feed/{stranger()}?limit=0", key=keys[0])
        if target.shortage:
            return target.shortage.answer()
        requests, window_seconds = _policy(first)
        troubles = list(_too_generous(requests, window_seconds))
        if requests > _MOST_REQUESTS:
            return _not_used_up(requests, troubles)
        began = time.monotonic()
        asked = _use_up(context, _batches(reader, keys, requests=requests))
        for each in asked:
            target.shortage.note("GET /v1/feed", each.answer)
        seconds = time.monotonic() - began
        troubles += _miscounted(asked, requests=requests, refilled=seconds * requests / window_seconds)
        refusals = _Refusals(window_seconds=window_seconds)
        troubles += refusals.wrong(target, reader, asked, key=keys[0])
        other = target.get(f"/v1/feed/{stranger()}?limit=0", key=keys[0])
        if other.status == _REFUSED:
            troubles.append(Trouble(title="another reader is refused too", place="GET /v1/feed/{user_id}"))
    admitted = sum(each.answer.status != _REFUSED for each in asked)
    figures = {"requests": len(asked), "admitted": admitted, "limit": requests, "workers": _workers(asked)}
    if troubles:
        return _not_kept(troubles, **figures)
    if target.shortage:
        return target.shortage.answer()
    refusals.require_tried()
    return passed(
        f"{admitted} of {len(asked)} requests for one reader passed, the limit is {requests}; "
        f"{figures['workers']} worker(s), two keys, {len(_tricks(reader))} ways to ask",
        **figures,
    )


def _tricks(reader: int) -> tuple[_Trick, ...]:
    path = f"/v1/feed/{reader}"
    return (
        _Trick(name="plain", target=path),
        _Trick(name="an invalid query", target=f"{path}?limit=0"),
        _Trick(name="zeros before the id", target=f"/v1/feed/000{reader}"),
        _Trick(
            name="a digit of the id encoded", target=f"/v1/feed/%{ord(str(reader)[0]):x}{str(reader)[1:]}"
        ),
        _Trick(name="HEAD", target=path, method="HEAD"),
        _Trick(name="another query", target=f"{path}?limit=7"),
        _Trick(name="X-Forwarded-For", target=path, headers=[("X-Forwarded-For", "203.0.113.9")]),
        _Trick(name="Forwarded", target=path, headers=[("Forwarded", "for=203.0.113.9")]),
        _Trick(name="X-User-Id", target=path, headers=[("X-User-Id", "1"), ("X-Real-IP", "203.0.113.9")]),
        _Trick(name="X-Original-URL", target=path, headers=[("X-Original-URL", "/healthz")]),
        _Trick(name="another host", target=path, headers=[("Host", "other.example")]),
        _Trick(name="batch priority", target=path, headers=[("Priority", "u=7")]),
    )


def _policy(answer: WireAnswer) -> tuple[int, int]:
    """Return requests and window, as the service states them.

    Raises:
        CannotTellError: it does not.
    """
    requests, _, window = answer.first("ratelimit-policy").partition(";w=")
    if not (_NUMBER.fullmatch(requests) and _NUMBER.fullmatch(window) and int(window)):
        raise CannotTellError(
            "the service states no `RateLimit-Policy`",
            mend="ask the service itself, without a proxy that cuts it",
        )
    return int(requests), int(window)


def _too_generous(requests: int, window_seconds: int) -> Iterator[Trouble]:
    if requests * 3600 > _PROMISED_PER_HOUR * window_seconds:
        title = f"plan `free` allows {requests} requests in {window_seconds} s, more than 1,000 an hour"
        yield Trouble(title=title, place="plans.free")


def _not_used_up(requests: int, troubles: list[Trouble]) -> Answer:
    """Return what can be said without asking so often: too much is too much, whether or not it is enforced.

    Raises:
        CannotTellError: it is no more an hour than is promised.
    """
    if troubles:
        return _not_kept(troubles, limit=requests)
    raise CannotTellError(
        f"plan `free` allows {requests} requests: more than a probe sends",
        mend="lower `plans.free` in ops/service.yaml",
    )


def _not_kept(troubles: list[Trouble], **figures: int) -> Answer:
    return failed(
        "the rate limit is not kept as it is stated and promised",
        mend="see the plan in ops/service.yaml, and put nothing in front of the service that answers in its place",
        troubles=tuple(troubles),
        **figures,
    )


def _batches(reader: int, keys: list[str], *, requests: int) -> list[list[tuple[_Trick, str]]]:
    """Return what is asked on each connection: the allowance and a fifth more, or all ways twice more where that is more."""
    ways = list(itertools.product(_tricks(reader), keys))
    count = requests + max(requests // 5, _ROUNDS_BEYOND * len(ways))
    each = min(_REQUESTS_EACH, count // _FEWEST_CONNECTIONS)
    turns = itertools.islice(itertools.cycle(ways), count)
    return [list(itertools.islice(turns, each)) for _ in range(math.ceil(count / each))]


def _use_up(context: Context, batches: list[list[tuple[_Trick, str]]]) -> list[_Asked]:
    """Ask everything, from several connections at once; return it in the order in which it began."""

    def ask(batch: list[tuple[_Trick, str]]) -> list[_Asked]:
        with asking(context) as target:
            return [_asked(target, trick, key) for trick, key in batch]

    with ThreadPoolExecutor(_CONNECTIONS_AT_ONCE) as threads:
        asked = [each for part in threads.map(ask, batches) for each in part]
    return sorted(asked, key=lambda each: each.began)


def _asked(target: Target, trick: _Trick, key: str) -> _Asked:
    began = time.monotonic()
    answer = target.once(trick.method, trick.target, key=key, headers=trick.headers)
    return _Asked(trick=trick.name, answer=answer, began=began, ended=time.monotonic())


def _miscounted(asked: list[_Asked], *, requests: int, refilled: float) -> Iterator[Trouble]:
    """Count, and name what passed after the allowance was used up or did not before; `asked` is in the order of time."""
    place = "GET /v1/feed/{user_id}"
    answered = [each for each in asked if not is_unready(each.answer)]
    passing = [each for each in answered if each.answer.status != _REFUSED]
    unclear = len(asked) - len(answered)  # a 503 may have been counted by the limit or not
    broken = Counter(each.answer.status for each in passing if each.answer.status >= _FIRST_DEFECT)
    most = requests + math.ceil(refilled)
    for status, count in broken.items():
        yield Trouble(title=f"{count} requests were answered with {status}", place=place)
    if len(passing) > most:
        last = min(_LAST, (len(asked) - requests) // _ROUNDS_BEYOND)
        late = Counter(each.trick for each in answered[-last:] if each.answer.status != _REFUSED)
        names = ", ".join(name for name, _ in late.most_common(3))
        title = f"{len(passing)} requests passed where {most} may; at the end by: {names}"
        yield Trouble(title=title, place=place)
    if len(passing) + unclear < requests:
        title = f"only {len(passing) + unclear} requests passed where {requests} are promised"
        yield Trouble(title=title, place=place)
    for name in sorted(set(_refused_early(asked, requests=requests))):
        yield Trouble(title=f"{name}: refused before the allowance was used up", place=place)


def _refused_early(asked: list[_Asked], *, requests: int) -> Iterator[str]:
    """Yield what was refused although, when its answer came, no more had begun than are allowed.

    Requests overtake each other on several connections, so their places in a row say nothing.
    """
    beginnings = [each.began for each in asked]
    for each in asked:
        if each.answer.status == _REFUSED and bisect_left(beginnings, each.ended) <= requests:
            yield each.trick


class _Refusals:
    """What refusals promise: when one more request passes."""

    def __init__(self, *, window_seconds: int) -> None:
        self._window_seconds = window_seconds
        self._not_waited_seconds = 0

    def require_tried(self) -> None:
        """Make sure that it was tried whether one more passes.

        Raises:
            CannotTellError: a refusal says to wait for longer than a check does.
        """
        if self._not_waited_seconds:
            raise CannotTellError(
                f"a refusal says to come again after {self._not_waited_seconds} s, and nobody waited to see whether one passes then",
                mend="let the allowance come back bit by bit, or try it by hand and waive this (`state: unknown`)",
            )

    def wrong(self, target: Target, reader: int, asked: list[_Asked], *, key: str) -> Iterator[Trouble]:
        """Hold the refusals against what they promise."""
        place = "GET /v1/feed/{user_id}"
        refusals = [each.answer for each in asked if each.answer.status == _REFUSED]
        if not refusals:
            if any(is_unready(each.answer) for each in asked):
                return
            yield Trouble(title=f"no request of {len(asked)} was refused", place=place)
            return
        if any(not _NUMBER.fullmatch(each.first("retry-after")) for each in refusals):
            yield Trouble(title="a refusal does not say when to come again", place=place)
            return
        # The newest one of a request of its own: those above overtook each other.
        answer = target.get(f"/v1/feed/{reader}?limit=0", key=key)
        if answer.status != _REFUSED:
            return
        said = answer.first("retry-after")
        wait_seconds = int(said) if _NUMBER.fullmatch(said) else self._window_seconds
        if wait_seconds > self._window_seconds:
            title = (
                f"a refusal says to come again after {wait_seconds} s; the window is {self._window_seconds} s"
            )
            yield Trouble(title=title, place=place)
            return
        if wait_seconds > _LONGEST_WAIT_SECONDS:
            self._not_waited_seconds = wait_seconds
            return
        time.sleep(wait_seconds)
        if target.get(f"/v1/feed/{reader}?limit=0", key=key).status == _REFUSED:
            yield Trouble(title=f"refused again after the {wait_seconds} s that it said", place=place)


def _workers(asked: list[_Asked]) -> int:
    """Return how many workers answered: each begins the ids of its requests with a word of its own."""
    words = {each.answer.first("x-request-id").partition("-")[0] for each in asked}
    return len(words - {""})


CHECK = SecurityCheck(
    code="SEC101",
    title="rate limit is enforced",
    weight=Weight.HIGH,
    owasp="A06",
    asvs=("V2.4.1",),
    look=look,
    explanation=__doc__ or "",
)
