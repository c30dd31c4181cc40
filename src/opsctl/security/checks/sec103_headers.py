"""Does every answer tell browsers and caches what they must not do, and nothing about what runs behind it?

Looked at: pages, feeds, errors and refusals. Each needs `X-Content-Type-Options: nosniff`, a content security policy
with `frame-ancestors` that loads nothing by default (pages: no foreign base either), a referrer policy, and a content
type with its charset. Errors and refusals must not be stored (`Cache-Control: no-store`), and feeds not by shared
caches unless the book says so. No answer names a framework or the version of a
server (the name alone stays: granian cannot be told to be silent, a proxy in front can drop it), nor sets a cookie. Where the service is asked
over TLS, `Strict-Transport-Security` holds for a year at least; over plain HTTP a browser ignores it, so whatever ends
TLS in front has to send it.
"""

import re
from collections.abc import Iterator

from opsctl.clients.wire import WireAnswer
from opsctl.security.context import Context
from opsctl.security.model import Answer, SecurityCheck, Trouble, Weight, failed, passed
from opsctl.security.probing.books import book_value
from opsctl.security.probing.target import READ, UNLIMITED, Target, asking, stranger

_YEAR_SECONDS = 31_536_000
_TALKATIVE = ("x-powered-by", "x-aspnet-version", "x-runtime", "x-generator")
_VERSION = re.compile(r"\d+\.\d+|/\d")
_FIRST_ERROR = 400
_FEED = "GET /v1/feed/{user_id}"


def look(context: Context) -> Answer:
    """Ask for answers of every kind, and read their headers."""
    key = context.service.key(plan=UNLIMITED, scopes=READ)
    with asking(context) as target:
        target.require_honest_served(key)
        answers = list(_answers(target, key=key))
        is_tls = target.wire.is_tls
    may_share = bool(book_value(context, "l1", "shared_caches", default=False, book="cache"))
    troubles = tuple(
        trouble
        for place, answer in answers
        for trouble in _of_answer(place, answer, is_tls=is_tls, may_share=may_share)
    )
    if troubles:
        return failed(
            f"{len({each.place for each in troubles})} of {len(answers)} kinds of answers lack a header or say too much",
            mend="let whatever stands in front of the service pass its headers on as they are",
            troubles=troubles,
        )
    if target.shortage:
        return target.shortage.answer()
    over = "TLS" if is_tls else "plain HTTP, where HSTS would mean nothing"
    return passed(f"{len(answers)} kinds of answers carry what they should, over {over}", is_tls=is_tls)


def _answers(target: Target, *, key: str) -> Iterator[tuple[str, WireAnswer]]:
    for path in ("/docs", "/openapi.json", "/healthz", "/readyz", "/metrics"):
        yield f"GET {path}", target.get(path)
    yield "GET /v1/trending", target.get("/v1/trending?limit=1", key=key)
    yield _FEED, target.get(f"/v1/feed/{stranger()}?limit=1", key=key)
    yield "GET /v1/content/{content_id}, 404", target.get(f"/v1/content/{stranger()}", key=key)
    yield "400 invalid", target.get("/v1/trending?limit=0", key=key)
    yield "401 no key", target.get("/v1/trending")
    yield "403 scope", target.ask("DELETE", f"/v1/content/{stranger()}", key=key)
    yield "404 no such path", target.get("/nowhere", key=key)
    yield "405 method", target.ask("POST", "/v1/trending", key=key)
    yield "414 long", target.get(f"/v1/trending?region={'a' * 9000}", key=key)


def _of_answer(place: str, answer: WireAnswer, *, is_tls: bool, may_share: bool) -> Iterator[Trouble]:
    for title in (*_missing(answer, is_tls=is_tls), *_talkative(answer), *_storable(answer)):
        yield Trouble(title=title, place=place)
    caching = answer.first("cache-control").lower()
    if place == _FEED and not may_share and not {"private", "no-store"} & set(caching.split(", ")):
        title = f"a reader's feed that shared caches may keep: `Cache-Control: {caching}`"
        yield Trouble(title=title, place=place, mend="see `l1.shared_caches` in ops/cache.yaml")


def _missing(answer: WireAnswer, *, is_tls: bool) -> Iterator[str]:
    policy = answer.first("content-security-policy")
    content_type = answer.first("content-type")
    if answer.first("x-content-type-options").lower() != "nosniff":
        yield "no `X-Content-Type-Options: nosniff`"
    if "default-src 'none'" not in policy:
        yield "its content security policy does not begin with nothing: `default-src 'none'`"
    if "frame-ancestors" not in policy:
        yield "its content security policy does not say who may frame it"
    if content_type.startswith("text/html") and "base-uri 'none'" not in policy:
        yield "a page whose content security policy allows a foreign base: no `base-uri 'none'`"
    if not answer.first("referrer-policy"):
        yield "no `Referrer-Policy`"
    if answer.body and not content_type:
        yield "a body without a content type"
    if content_type.startswith("text/") and "charset=" not in content_type:
        yield f"`{content_type}` without a charset"
    if is_tls and _age_seconds(answer.first("strict-transport-security")) < _YEAR_SECONDS:
        yield "no `Strict-Transport-Security` for a year"


def _talkative(answer: WireAnswer) -> Iterator[str]:
    for name in (*_TALKATIVE, "server", "via"):
        for value in answer.all(name):
            if name in _TALKATIVE or _VERSION.search(value):
                yield f"`{name}: {value[:80]}` tells what runs here"
    if answer.all("set-cookie"):
        yield "it sets a cookie: keys come in a header"


def _storable(answer: WireAnswer) -> Iterator[str]:
    caching = answer.first("cache-control").lower()
    if answer.status >= _FIRST_ERROR and "no-store" not in caching:
        yield f"an error that may be stored: `Cache-Control: {caching}`"
    if not caching and answer.status < _FIRST_ERROR:
        yield "no `Cache-Control`: caches decide by themselves"


def _age_seconds(policy: str) -> int:
    for part in policy.split(";"):
        name, _, value = part.strip().partition("=")
        if name.lower() == "max-age" and value.isdigit():
            return int(value)
    return 0


CHECK = SecurityCheck(
    code="SEC103",
    title="security headers",
    weight=Weight.MEDIUM,
    owasp="A02",
    asvs=("V3.4.1", "V3.4.3", "V3.4.4", "V3.4.5", "V3.4.6", "V4.1.1", "V14.3.2"),
    look=look,
    explanation=__doc__ or "",
)
