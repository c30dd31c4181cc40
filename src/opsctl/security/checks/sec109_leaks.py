"""Do errors tell a stranger what runs behind the service: stack traces, statements, files, versions, or what was sent?

Errors of every kind that can be brought about from outside (broken JSON, wrong types, unknown paths and methods, wrong
keys, too long, too large, other media types, broken messages) are read for traces and names of what the service is made
of. Each is `application/problem+json` without more than its fields; one that the server below gives for a message it
cannot read may be empty. No value that was sent, and no key, may come back but in `instance`, the address that was
asked; names of fields and parameters, which the contract lets errors repeat, only as JSON that no browser takes for a page.

A defect (500) cannot be brought about from outside without one; that its page says nothing is tested in the source.
"""

import json
import re
from collections.abc import Iterator
from contextlib import suppress

from opsctl.clients.wire import SilentError, WireAnswer
from opsctl.security.context import Context
from opsctl.security.model import Answer, SecurityCheck, Trouble, Weight, failed, passed
from opsctl.security.probing.hostile import bodies, messages
from opsctl.security.probing.sql import shows_sql
from opsctl.security.probing.target import ALL, UNLIMITED, Target, asking, stranger

_FIRST_ERROR = 400
_MARK = "zq7<script>alert(1)</script>"
_NAME = "zq8<b>"
_FIELDS = frozenset(
    {"type", "title", "status", "detail", "instance", "code", "request_id", "errors", "dependencies"}
)
_TELLING = {
    "a stack trace": re.compile(rb"Traceback|File \\?\"[^\"]+\", line \d|^\s+at [\w.]+\(", re.MULTILINE),
    "a path of the machine": re.compile(
        rb"(?<![\w/])/(?:home|root|usr|var|opt|srv|tmp|etc)/\w|site-packages|\w\.py\b"
    ),
    "what it is made of": re.compile(
        rb"(?i)starlette|fastapi|pydantic|granian|uvloop|hyper|orjson|msgspec|psycopg"
    ),
    "a version": re.compile(rb"\b\d+\.\d+\.\d+\b"),
    "an address inside": re.compile(
        rb"\b(?:127\.0\.0\.1|10\.\d+\.\d+\.\d+|192\.168\.\d+\.\d+|localhost):\d+"
    ),
    "an object of its memory": re.compile(rb"0x[0-9a-f]{8,}|<[\w.]+ object"),
}


def look(context: Context) -> Answer:
    """Bring errors about, and read them."""
    key = context.service.key(plan=UNLIMITED, scopes=ALL)
    troubles: list[Trouble] = []
    kinds: set[int] = set()
    with asking(context) as target:
        target.require_honest_served(key)
        for name, answer in _errors(target, key=key):
            if answer.status >= _FIRST_ERROR:
                kinds.add(answer.status)
                troubles += [
                    Trouble(title=f"{name}: {title}", place=str(answer.status))
                    for title in _told(answer, key)
                ]
    if troubles:
        return failed(
            "errors tell more than they should",
            mend="this is a defect of the service, or of what stands in front of it and answers in its place",
            troubles=tuple(troubles),
        )
    if target.shortage:
        return target.shortage.answer()
    return passed(f"errors of {len(kinds)} kinds tell nothing: {', '.join(map(str, sorted(kinds)))}")


def _errors(target: Target, *, key: str) -> Iterator[tuple[str, WireAnswer]]:
    yield "no key", target.get("/v1/trending")
    yield "a wrong key", target.get("/v1/trending", key=f"opk_{_MARK}")
    yield "no such item", target.get(f"/v1/content/{stranger()}", key=key)
    yield "no such method", target.ask("PATCH", "/v1/trending", key=key)
    yield "too long", target.get(f"/v1/trending?region={'a' * 9000}", key=key)
    yield "many headers", target.get("/v1/trending", key=key, headers=[(f"X-{n}", _MARK) for n in range(150)])
    for query in (
        f"limit={_encoded()}",
        f"region={_encoded()}",
        f"{_encoded(_NAME)}=1",
        "limit=1e5",
        "region=%00",
        "region=%ff",
    ):
        yield f"the query `{query[:20]}`", target.get(f"/v1/trending?{query}", key=key)
    for path in (
        f"/{_encoded()}",
        f"/v1/content/{_encoded()}",
        f"/v1/feed/{_encoded()}",
        "/v1/feed/%c0%ae%c0%ae",
    ):
        yield f"the path `{path[:20]}`", target.get(path, key=key)
    for media_type in ("text/xml", _MARK):
        headers = [("Content-Type", media_type)]
        yield (
            "another media type",
            target.ask("POST", "/v1/interactions", key=key, headers=headers, body=b"{}"),
        )
    good = {"interactions": [{"kind": _MARK, "user_id": _MARK, "content_id": None, _NAME: _MARK}]}
    for body in (json.dumps(good).encode(), json.dumps({_NAME: 1}).encode()):
        yield "a wrong body", target.ask("POST", "/v1/interactions", key=key, body=body)
    for each in bodies(good):
        headers = [("Content-Type", each.content_type)]
        yield each.name, target.ask("POST", "/v1/interactions", key=key, headers=headers, body=each.body)
    for name, message in messages(host=f"{target.wire.host}:{target.wire.port}", key=key):
        with suppress(SilentError):  # which SEC105 tells
            answer = target.raw(message)
            if answer is not None:
                yield name, answer


def _told(answer: WireAnswer, key: str) -> Iterator[str]:
    for what, pattern in _TELLING.items():
        if pattern.search(answer.body):
            yield f"shows {what}"
    if shows_sql(answer.body):
        yield "shows words of the database"
    if b"zq7" in _without_address(answer.body):
        yield "repeats a value that was sent"
    if b"zq8" in answer.body and answer.first("x-content-type-options") != "nosniff":
        yield "repeats a name that was sent, and a browser may take it for a page"
    if key.encode() in answer.body or key.rpartition("_")[2].encode() in answer.body:
        yield "repeats the key"
    if answer.body:
        yield from _shape(answer)


def _without_address(body: bytes) -> bytes:
    """Return a problem without `instance`, which is the address that was asked (RFC 9457, 3.1.5)."""
    try:
        document = json.loads(body)
    except ValueError:
        return body
    return json.dumps({**document, "instance": ""}).encode() if isinstance(document, dict) else body


def _shape(answer: WireAnswer) -> Iterator[str]:
    if answer.first("content-type") != "application/problem+json":
        yield f"is `{answer.first('content-type')}` and no problem"
        return
    more = set(json.loads(answer.body)) - _FIELDS
    if more:
        yield f"has the field `{min(more)[:40]}` beside those of a problem"


def _encoded(text: str = _MARK) -> str:
    return "".join(f"%{each:02x}" for each in text.encode())


CHECK = SecurityCheck(
    code="SEC109",
    title="errors tell nothing of the inside",
    weight=Weight.MEDIUM,
    owasp="A10",
    asvs=("V16.5.1",),
    look=look,
    explanation=__doc__ or "",
)
