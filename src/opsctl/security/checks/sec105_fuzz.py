"""Is every broken request refused: bodies, values and whole messages that have brought servers down before?

Bodies: deep, huge, cut, in wrong encodings, not JSON, with NaN, NUL and half surrogates; each value of each body
replaced by values of other kinds; headers that no client sends; messages whose length is not clear (request
smuggling), or that are none at all. None may be answered with a 5xx or be accepted, nothing that was sent may come back
as a header, and after each part the next honest client must be served. All of it is about readers, items and vendors
that nobody has, so that even what is accepted by mistake changes nothing that counts; an item that came to be is
removed again.
"""

import json
from collections.abc import Callable, Iterator
from functools import partial

from opsctl.clients.wire import SilentError, WireAnswer
from opsctl.security.context import Context
from opsctl.security.model import Answer, SecurityCheck, Trouble, Weight, failed, passed
from opsctl.security.probing.hostile import bodies, leaf_values, messages, smuggled
from opsctl.security.probing.operations import Operation, leaves_of, operations_of, with_leaf
from opsctl.security.probing.shortage import is_unready, only_there
from opsctl.security.probing.target import ALL, UNLIMITED, Target, asking, stranger

_FIRST_REFUSAL = 400
_FIRST_DEFECT = 500
# What a server may say of a message that it will never understand; RFC 9110, 15.6.2 and 15.6.6.
_NOT_UNDERSTOOD = frozenset({501, 505})
_IDS = ("user_id", "content_id", "vendor_id")
_HEADERS = (
    ("X-Request-Id", "a b\tc"),
    ("X-Request-Id", "x" * 5000),
    ("Traceparent", "00-" + "f" * 500),
    ("If-None-Match", '"' + "a," * 5000),
    ("Priority", "u=99999999999999999999"),
    ("Accept", "*/*;q=" + "9" * 5000),
    ("Accept-Encoding", "gzip;q=NaN, br, *"),
    ("Range", "bytes=0-0,-1,5-1"),
    ("Expect", "999-nothing"),
    ("Content-Encoding", "gzip"),
    ("Cookie", "a=" + "\u00ff" * 1000),
    ("Host", "a\u00e9b"),
)


def look(context: Context) -> Answer:
    """Send everything, part by part."""
    key = context.service.key(plan=UNLIMITED, scopes=ALL)
    count, troubles = 0, []
    with asking(context) as target:
        target.require_honest_served(key)
        writing = [_to_nobody(each) for each in operations_of(target.contract()) if each.body is not None]
        parts = (*(_bodies(target, each, key=key) for each in writing), _headers(target, key=key))
        for part in (*parts, _messages(target, key=key), _smuggling(target, key=key)):
            for problem in part:
                count += 1
                troubles += [problem] if problem is not None else []
            if not target.is_well():
                troubles.append(Trouble(title="the next client is not served", place="GET /healthz"))
    if troubles:
        return failed(
            f"{len(troubles)} of {count} broken requests were not refused as they should be",
            mend="this is a defect of the service: its log has more under the request id",
            troubles=tuple(troubles),
            requests=count,
        )
    if target.shortage:
        return target.shortage.answer()
    return passed(f"{count} broken requests refused, and every client after them served", requests=count)


def _to_nobody(operation: Operation) -> Operation:
    """Return the operation about a reader, an item and a vendor whom nobody knows."""
    from dataclasses import replace

    body = operation.body
    for place, _ in list(leaves_of(body)):
        if place[-1] in _IDS:
            body = with_leaf(body, place, stranger())
    values = {each.name: stranger() for each in operation.parameters if each.name in _IDS}
    return replace(operation.with_values(values), body=body)


def _bodies(target: Target, operation: Operation, *, key: str) -> Iterator[Trouble | None]:
    ask = partial(target.ask, operation.method, operation.target(), key=key)
    good = partial(ask, body=operation.body_bytes())
    judge = partial(_tried, good=good, place=str(operation))
    try:
        for each in bodies(operation.body):
            bad = partial(ask, headers=[("Content-Type", each.content_type)], body=each.body)
            yield judge(bad, name=each.name, may_pass=False)
        for place, good in leaves_of(operation.body):
            for value in leaf_values(good):
                body = json.dumps(with_leaf(operation.body, place, value)).encode()
                name = f"`{'.'.join(map(str, place))}` as {json.dumps(value)[:30]}"
                yield judge(partial(ask, body=body), name=name, may_pass=True)
    finally:
        if operation.method == "PUT":
            target.ask("DELETE", operation.target(), key=key)


def _headers(target: Target, *, key: str) -> Iterator[Trouble | None]:
    ask = partial(target.get, "/v1/trending?limit=1", key=key)
    for name, value in _HEADERS:
        bad = partial(ask, headers=[(name, value)])
        yield _tried(bad, good=ask, name=f"header `{name}`", place="GET /v1/trending", may_pass=True)


def _messages(target: Target, *, key: str) -> Iterator[Trouble | None]:
    host = f"{target.wire.host}:{target.wire.port}"
    for name, message in messages(host=host, key=key):
        try:
            answer = target.raw(message)
        except SilentError:
            yield Trouble(title=f"{name}: neither refused nor ended", place="message")
        else:
            yield None if answer is None else _judged(answer, name=name, place="message", may_pass=False)


def _smuggling(target: Target, *, key: str) -> Iterator[Trouble | None]:
    """Send a message whose end is in doubt; whoever goes on after it may take a part of it for another request."""
    target.wire.close()
    try:
        target.wire.send(smuggled(host=f"{target.wire.host}:{target.wire.port}", key=key), method="POST")
        goes_on = target.wire.is_open
    except SilentError:
        goes_on = False
    target.wire.close()
    title = "goes on after a message with both a length and chunks (request smuggling)"
    yield Trouble(title=title, place="message") if goes_on else None


def _tried(
    bad: Callable[[], WireAnswer],
    *,
    good: Callable[[], WireAnswer],
    name: str,
    place: str,
    may_pass: bool,
) -> Trouble | None:
    """Send a broken request; a 503 counts against the service only where a good one beside it never gets one."""
    answer = bad()
    if is_unready(answer) and only_there(bad, good):
        return Trouble(title=f"{name}: answered with 503, each time, and good requests are not", place=place)
    return _judged(answer, name=name, place=place, may_pass=may_pass)


def _judged(answer: WireAnswer, *, name: str, place: str, may_pass: bool) -> Trouble | None:
    """Return what is wrong with an answer; `may_pass` where the contract may well allow it."""
    if is_unready(answer):
        return None
    if answer.status >= _FIRST_DEFECT and answer.status not in _NOT_UNDERSTOOD:
        return Trouble(title=f"{name}: answered with {answer.status}", place=place)
    if answer.status < _FIRST_REFUSAL and not may_pass:
        return Trouble(title=f"{name}: accepted with {answer.status}", place=place)
    if answer.first("x-evil"):
        return Trouble(title=f"{name}: came back as a header", place=place)
    return None


CHECK = SecurityCheck(
    code="SEC105",
    title="broken requests are refused",
    weight=Weight.HIGH,
    owasp="A10",
    asvs=("V2.2.1", "V4.2.1"),
    look=look,
    explanation=__doc__ or "",
)
