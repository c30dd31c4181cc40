"""Does the secret of a key that was used reach a log of the service?

A key is sent in every place where clients put one by right or by mistake: in its header, under another scheme, in the
query, in the path, in a body, as request id, referrer, user agent and cookie. Then every log of the stack is read for
its secret from where it stood before. The check first has to find its own requests in a log, by an id of its own:
where it does not, such as for a service on another machine, it could not tell.
"""

import secrets
import time
from collections.abc import Mapping
from pathlib import Path

from opsctl.security.context import Context
from opsctl.security.model import Answer, SecurityCheck, Trouble, Weight, could_not_tell, failed, passed
from opsctl.security.probing.target import READ, UNLIMITED, Target, asking

_LONGEST_WAIT_SECONDS = 5.0
_PAUSE_SECONDS = 0.2
_MOST_BYTES = 64 * 1024 * 1024


def look(context: Context) -> Answer:
    """Use a key everywhere, and read the logs."""
    with asking(context) as target:
        key = context.service.key(plan=UNLIMITED, scopes=READ)
        target.require_honest_served(key)
        mark = f"audit-{secrets.token_hex(8)}"
        before = {path: path.stat().st_size for path in context.machine.logs() if path.is_file()}
        count = _use_everywhere(target, key=key, mark=mark)
        # An error always leaves a line, and the last one says that those before it are written.
        last = f"{mark}-last"
        target.get("/nowhere", key=key, headers=[("X-Request-Id", last)])
    written = _written_with(last, context, before=before)
    if not any(last.encode() in text for text in written.values()):
        return could_not_tell(
            f"no log of the stack holds the audit's requests: {len(written)} files were read",
            mend="run the audit on the machine of the service, or search its logs for `opk_` with a secret behind it",
        )
    secret = key.rpartition("_")[2].encode()
    troubles = tuple(
        Trouble(title=f"the secret of a key stands in `{path.name}`", place=str(path.name))
        for path, text in written.items()
        if secret in text
    )
    if troubles:
        return failed(
            f"a key that was sent in {count} ways left its secret in {len(troubles)} logs",
            mend="end every key that stands there (opsctl security keys rotate PREFIX), and clear these logs",
            troubles=troubles,
        )
    if target.shortage:
        return target.shortage.answer()
    size = sum(map(len, written.values()))
    return passed(
        f"a key sent in {count} ways left no secret in {len(written)} logs ({size} bytes since)", ways=count
    )


def _use_everywhere(target: Target, *, key: str, mark: str) -> int:
    """Send the key in every way, and return how many these are."""
    changed = key[:-1] + ("A" if key[-1] != "A" else "B")
    path = "/v1/trending?limit=1"
    headers = {
        "its header": [("Authorization", f"Bearer {key}")],
        "another scheme": [("Authorization", f"Token {key}")],
        "basic": [("Authorization", f"Basic {key}")],
        "a wrong end": [("Authorization", f"Bearer {changed}")],
        "two headers": [("Authorization", f"Bearer {key}"), ("Authorization", f"Bearer {key}")],
        "request id": [("X-Request-Id", key)],
        "user agent": [("User-Agent", key), ("Referer", f"http://a.example/?key={key}")],
        "cookie": [("Cookie", f"session={key}")],
        "trace": [("traceparent", key), ("tracestate", f"a={key}")],
        "host": [("Host", key)],
    }
    for more in headers.values():
        target.get(path, headers=more)
    for with_key in (f"{path}&api_key={key}", f"/v1/feed/{key}", f"/{key}", f"/v1/content/{key}?key={key}"):
        target.get(with_key, key=key, headers=[("X-Request-Id", mark)])
    bodies = (f'{{"interactions": "{key}"}}', f'{{"{key}": 1}}', key)
    for body in bodies:
        target.ask("POST", "/v1/interactions", key=key, body=body.encode())
    return len(headers) + 4 + len(bodies)


def _written_with(mark: str, context: Context, *, before: Mapping[Path, int]) -> dict[Path, bytes]:
    """Return what the logs hold that is new, a moment after the mark is in one of them: another may be behind."""
    deadline = time.monotonic() + _LONGEST_WAIT_SECONDS
    while True:
        written = _new(context, before=before)
        if any(mark.encode() in text for text in written.values()):
            time.sleep(_PAUSE_SECONDS)
            return _new(context, before=before)
        if time.monotonic() > deadline:
            return written
        time.sleep(_PAUSE_SECONDS)


def _new(context: Context, *, before: Mapping[Path, int]) -> dict[Path, bytes]:
    return {path: _since(path, before.get(path, 0)) for path in context.machine.logs() if path.is_file()}


def _since(path: Path, size: int) -> bytes:
    with path.open("rb") as file:
        file.seek(size if path.stat().st_size >= size else 0)  # a log that was turned over begins anew
        return file.read(_MOST_BYTES)


CHECK = SecurityCheck(
    code="SEC110",
    title="no secret of a key in a log",
    weight=Weight.HIGH,
    owasp="A09",
    asvs=("V16.2.5", "V14.2.1"),
    look=look,
    explanation=__doc__ or "",
)
