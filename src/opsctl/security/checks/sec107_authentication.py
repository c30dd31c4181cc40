"""Does every operation ask for a key, a good one, with the scope that it needs?

These are open on purpose, and nothing else: `/healthz`, `/readyz`, `/metrics` (where the book does not close it), `/docs`
and `/openapi.json`. Every other operation of the contract is asked without a key; with one in the wrong scheme, in the
query, in a cookie; with one that is malformed, that nobody has, whose secret is wrong, that has expired, that was
revoked: 401 each. With a good key that has every scope but the one it needs: 403. An operation of which this check does
not know the scope fails, so that a new one is not forgotten.

Also asked without a key: ways around the path and the method, and paths that servers have by accident (`/admin`,
`/.env`, `/debug`); none may answer.
"""

import time
from collections.abc import Iterator, Mapping

from opsctl.security.context import Context
from opsctl.security.model import Answer, SecurityCheck, Trouble, Weight, failed, passed
from opsctl.security.probing.operations import Operation, operations_of
from opsctl.security.probing.shortage import is_unready
from opsctl.security.probing.target import ALL, UNLIMITED, Target, asking, stranger

PUBLIC = frozenset({"GET /docs", "GET /healthz", "GET /metrics", "GET /openapi.json", "GET /readyz"})
"""What answers without a key, on purpose."""
SCOPES: Mapping[str, str] = {
    "GET /v1/feed/{user_id}": "feed:read",
    "GET /v1/trending": "feed:read",
    "POST /v1/interactions": "interactions:write",
    "GET /v1/content/{content_id}": "content:read",
    "PUT /v1/content/{content_id}": "content:write",
    "DELETE /v1/content/{content_id}": "content:write",
}
"""The scope that each operation needs."""
_IDS = ("user_id", "content_id")
_UNAUTHORIZED, _FORBIDDEN = 401, 403
_LIVES_SECONDS = 1.0
_AROUND = (
    *(
        "//v1/trending",
        "/./v1/trending",
        "/healthz/../v1/trending",
        "/healthz/..%2fv1/trending",
        "/V1/TRENDING",
    ),
    *(
        "/v1/trending/",
        "/v1/trending;a=b",
        "/v1%2ftrending",
        "/%76%31/trending",
        "/v1/trending%00",
        "/v1/trending?/healthz",
    ),
    *(
        "/healthz;/v1/trending",
        "/docs/../v1/trending",
        "/v1/trending%3f",
        "/metrics/../v1/trending",
        "/v1//trending",
    ),
)
_BY_ACCIDENT = (
    *(
        "/",
        "/admin",
        "/debug",
        "/.env",
        "/.git/config",
        "/config",
        "/internal",
        "/actuator",
        "/server-status",
    ),
    *(
        "/redoc",
        "/swagger",
        "/graphql",
        "/v1",
        "/v1/users",
        "/v1/keys",
        "/api",
        "/static/../../etc/passwd",
        "/console",
    ),
)
_METHODS = ("HEAD", "OPTIONS", "TRACE", "PATCH", "PROPFIND", "POST", "PUT", "DELETE")
_OVERRIDES = (
    "X-HTTP-Method-Override",
    "X-Method-Override",
    "X-Original-URL",
    "X-Rewrite-URL",
    "X-Forwarded-Prefix",
)
_FIRST_ERROR = 300


def look(context: Context) -> Answer:
    """Ask every operation in every wrong way."""
    wrong = _wrong_keys(context)
    under = {
        scope: context.service.key(plan=UNLIMITED, scopes=_all_but(scope)) for scope in set(SCOPES.values())
    }
    with asking(context) as target:
        operations = operations_of(target.contract())
        troubles = [
            trouble
            for each in operations
            if str(each) not in PUBLIC
            for trouble in _of_operation(target, each, wrong=wrong, under=under)
        ]
        troubles += _ways_around(target)
    guarded = [each for each in operations if str(each) not in PUBLIC]
    if troubles:
        return failed(
            "something answers without the key that it needs",
            mend="see who should be able to ask this, and let the service ask for a key with a scope",
            troubles=tuple(troubles),
        )
    if target.shortage:
        return target.shortage.answer()
    return passed(
        f"{len(guarded)} operations refuse {len(wrong)} kinds of wrong keys and every key without their scope; "
        f"{len(operations) - len(guarded)} are open on purpose",
        open=sorted(str(each) for each in operations if str(each) in PUBLIC),
    )


def _wrong_keys(context: Context) -> dict[str, list[tuple[str, str]]]:
    """Return headers with a key that is not good, by what is wrong with it."""
    good = context.service.key(plan=UNLIMITED, scopes=ALL)
    expired = context.service.key(plan=UNLIMITED, scopes=ALL, lives_seconds=_LIVES_SECONDS)
    revoked = context.service.key(plan=UNLIMITED, scopes=ALL)
    context.service.revoke(revoked)
    time.sleep(_LIVES_SECONDS + 0.1)
    prefix = good[:13]
    return {
        "no key": [],
        "an empty key": [("Authorization", "Bearer ")],
        "a malformed key": [("Authorization", "Bearer opk_x")],
        "a key that nobody has": [("Authorization", "Bearer opk_AAAAAAAA_" + 32 * "A")],
        "a key with a wrong secret": [("Authorization", f"Bearer {prefix}{32 * 'A'}")],
        "a key and more": [("Authorization", f"Bearer {good}x")],
        "the wrong scheme": [("Authorization", f"Basic {good}")],
        "a key in a cookie": [("Cookie", f"key={good}; Authorization={good}")],
        "a key in another header": [("X-Api-Key", good), ("Proxy-Authorization", f"Bearer {good}")],
        "an expired key": [("Authorization", f"Bearer {expired}")],
        "a revoked key": [("Authorization", f"Bearer {revoked}")],
    }


def _of_operation(
    target: Target,
    operation: Operation,
    *,
    wrong: Mapping[str, list[tuple[str, str]]],
    under: Mapping[str, str],
) -> Iterator[Trouble]:
    place = str(operation)
    if not operation.needs_key:
        yield Trouble(title="its contract asks for no key, and it is not open on purpose", place=place)
    asked = operation.with_values({name: stranger() for name in _IDS})
    for name, headers in wrong.items():
        answer = target.ask(
            asked.method, asked.target(only_path=True), headers=headers, body=asked.body_bytes()
        )
        if is_unready(answer):
            continue
        if answer.status != _UNAUTHORIZED:
            yield Trouble(title=f"{name}: answered with {answer.status} instead of 401", place=place)
        elif not answer.first("www-authenticate"):
            yield Trouble(title=f"{name}: refused without `WWW-Authenticate`", place=place)
    scope = SCOPES.get(place)
    if scope is None:
        yield Trouble(title="nobody has said which scope it needs", place=place, mend="add it to this check")
        return
    answer = target.ask(asked.method, asked.target(only_path=True), key=under[scope], body=asked.body_bytes())
    if answer.status != _FORBIDDEN and not is_unready(answer):
        title = f"a key without `{scope}`: answered with {answer.status} instead of 403"
        yield Trouble(title=title, place=place)


def _ways_around(target: Target) -> Iterator[Trouble]:
    """Ask without a key in ways that have led around such checks elsewhere."""
    for path in (*_AROUND, *_BY_ACCIDENT):
        status = target.get(path).status
        if status < _FIRST_ERROR:
            yield Trouble(title=f"answers {status} without a key", place=f"GET {path}")
    for method in _METHODS:
        for path in ("/v1/trending", f"/v1/feed/{stranger()}"):
            answer = target.ask(method, path)
            if answer.status < _FIRST_ERROR:
                yield Trouble(title=f"answers {answer.status} without a key", place=f"{method} {path[:12]}")
    for name in _OVERRIDES:
        value = "/v1/trending" if "URL" in name or "Prefix" in name else "GET"
        answer = target.get("/healthz", headers=[(name, value)])
        if b"items" in answer.body:
            yield Trouble(title=f"`{name}` leads to another path", place="GET /healthz")


def _all_but(scope: str) -> tuple[str, ...]:
    return tuple(each for each in ALL if each != scope)


CHECK = SecurityCheck(
    code="SEC107",
    title="no operation without its key",
    weight=Weight.CRITICAL,
    owasp="A01",
    asvs=("V8.2.1", "V4.1.3"),
    look=look,
    explanation=__doc__ or "",
)
