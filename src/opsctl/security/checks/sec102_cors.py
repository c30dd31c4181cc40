"""Can a web page that nobody allowed read answers of the service, or have a browser send the key of a user along?

Asked with origins that no book lists, among them `null` and names that merely look like a listed one: on feeds, on
errors and beforehand (preflight). No answer may allow such an origin, allow every origin (`*`), or let credentials
through. Where `cors.origins` lists pages, each of them must be allowed by its own name, and caches must be told by
`Vary: Origin` that answers differ.
"""

from collections.abc import Iterator, Sequence

from opsctl.clients.wire import WireAnswer
from opsctl.security.context import Context
from opsctl.security.model import Answer, SecurityCheck, Trouble, Weight, failed, passed
from opsctl.security.probing.books import book_value
from opsctl.security.probing.target import READ, UNLIMITED, Target, asking

_FOREIGN = ("https://evil.example", "null", "http://localhost", "https://evil.example:443", "file://")
_PATHS = ("/v1/trending?limit=1", "/v1/trending?limit=0", "/healthz", "/openapi.json", "/nowhere")


def look(context: Context) -> Answer:
    """Ask as pages of other origins do."""
    listed = [str(each) for each in book_value(context, "cors", "origins", default=[])]
    foreign = [*_FOREIGN, *(f"{each}.evil.example" for each in listed), *(f"{each}1" for each in listed)]
    key = context.service.key(plan=UNLIMITED, scopes=READ)
    with asking(context) as target:
        target.require_honest_served(key, breaks_show=False)
        troubles = [
            trouble for origin in foreign for trouble in _of_foreign(target, origin, key=key, listed=listed)
        ]
        troubles += [trouble for origin in listed for trouble in _of_listed(target, origin, key=key)]
    if troubles:
        return failed(
            "pages of other origins are let in",
            mend="list in `cors.origins` of ops/service.yaml exactly the pages that may call, none of them as `*`",
            troubles=tuple(troubles),
        )
    if target.shortage:
        return target.shortage.answer()
    return passed(
        f"{len(foreign)} foreign origins are allowed nothing, {len(listed)} listed ones by their names"
    )


def _of_foreign(target: Target, origin: str, *, key: str, listed: Sequence[str]) -> Iterator[Trouble]:
    if origin in listed:
        return
    for path in _PATHS:
        answers = (
            ("GET", target.get(path, key=key, headers=[("Origin", origin)])),
            ("OPTIONS", _preflight(target, path, origin=origin)),
        )
        for method, answer in answers:
            place = f"{method} {path.partition('?')[0]}"
            for value in answer.all("access-control-allow-origin"):
                yield Trouble(title=f"allows the origin `{value}` to `{origin}`", place=place)
            if answer.first("access-control-allow-credentials").lower() == "true":
                yield Trouble(title=f"lets credentials of `{origin}` through", place=place)


def _of_listed(target: Target, origin: str, *, key: str) -> Iterator[Trouble]:
    path = _PATHS[0]
    answer = target.get(path, key=key, headers=[("Origin", origin)])
    place = f"GET {path.partition('?')[0]}"
    if answer.all("access-control-allow-origin") != [origin]:
        yield Trouble(title=f"does not allow `{origin}`, which `cors.origins` lists", place=place)
    if "origin" not in answer.first("vary").lower():
        yield Trouble(title="caches are not told that answers differ by origin", place=place)
    if answer.first("access-control-allow-credentials").lower() == "true":
        yield Trouble(title=f"lets credentials of `{origin}` through: keys come in a header", place=place)


def _preflight(target: Target, path: str, *, origin: str) -> WireAnswer:
    headers = [("Origin", origin), ("Access-Control-Request-Method", "GET")]
    return target.ask(
        "OPTIONS", path, headers=[*headers, ("Access-Control-Request-Headers", "authorization")]
    )


CHECK = SecurityCheck(
    code="SEC102",
    title="CORS lets no foreign page in",
    weight=Weight.HIGH,
    owasp="A02",
    asvs=("V3.4.2", "V3.5.2"),
    look=look,
    explanation=__doc__ or "",
)
