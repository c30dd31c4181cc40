"""What may one key see of readers that are not its own (OWASP API1, broken object level authorization)?

A key belongs to a client, such as a shop's server, and not to a reader: with `feed:read` it reads the feed of every
reader, by design, and so must stay on that server. That is the boundary, and this check holds it: no operation of the
contract reads back what readers did; a feed says nothing of its reader but the id that was asked for; each of many feeds
asked at once is the right reader's, from memory too; an id written otherwise finds the same reader or nobody; and a feed in
memory is not given to a key without its scope, nor its ETag confirmed.

Where browsers or apps of readers are to ask for themselves, a server that knows who they are has to stand in between.
"""

import json
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from opsctl.security.context import Context
from opsctl.security.model import Answer, SecurityCheck, Trouble, Weight, failed, passed
from opsctl.security.probing.operations import operations_of
from opsctl.security.probing.shortage import Shortage, is_unready
from opsctl.security.probing.target import READ, UNLIMITED, Target, asking, stranger

_FEED = "GET /v1/feed/{user_id}"
_READERS = 6
_ASKED_EACH = 4
_GOOD, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 200, 401, 403, 404
# Words for what would tell of a reader; a feed's items have none of them.
_PERSONAL = ("email", "phone", "address", "ip", "history", "interactions", "birth", "location", "user_agent")
# What the reading operations of the contract are about: none of them about what readers did.
_READING = frozenset({_FEED, "GET /v1/trending", "GET /v1/content/{content_id}"})


def look(context: Context) -> Answer:
    """Ask for several readers with several keys."""
    key = context.service.key(plan=UNLIMITED, scopes=READ)
    other = context.service.key(plan=UNLIMITED, scopes=("content:read", "interactions:write"))
    readers = [stranger() for _ in range(_READERS)]
    with asking(context) as target:
        troubles = list(_other_readings(target))
        if not is_unready(target.get(f"/v1/feed/{readers[0]}?limit=3", key=key)):
            troubles += _mixed_up(context, readers, key=key, shortage=target.shortage)
        troubles += _by_another_key(target, readers[0], key=key, other=other)
        troubles += _written_otherwise(target, readers[0], key=key)
    if troubles:
        return failed(
            "a key sees more of readers than it should",
            mend="this is a defect of the service; until it is mended, give keys to nobody who may not see all readers",
            troubles=tuple(troubles),
        )
    if target.shortage:
        return target.shortage.answer()
    return passed(
        f"{_READERS * _ASKED_EACH} feeds at once, each its own reader's; keys see what their scopes say, by design of all "
        "readers, and nothing of what these did"
    )


def _other_readings(target: Target) -> Iterator[Trouble]:
    for each in operations_of(target.contract()):
        if each.reads and each.path.startswith("/v1/") and str(each) not in _READING:
            title = "reads something of which nobody has said whose it is"
            yield Trouble(title=title, place=str(each), mend="say in this check whose data it gives to whom")


def _mixed_up(context: Context, readers: list[int], *, key: str, shortage: Shortage) -> list[Trouble]:
    """Ask for many readers at once, again and again, and look whose feed comes."""

    def ask(reader: int) -> Trouble | None:
        with asking(context, shortage=shortage) as target:
            answer = target.get(f"/v1/feed/{reader}?limit=3", key=key)
        if is_unready(answer):
            return None
        if answer.status != _GOOD:
            return Trouble(
                title=f"a feed answered with {answer.status}, so whose it is is not known", place=_FEED
            )
        feed = json.loads(answer.body)
        if feed.get("user_id") != reader:
            return Trouble(title="the feed of another reader came", place=_FEED)
        personal = sorted(_names(feed) & set(_PERSONAL))
        if personal:
            return Trouble(title=f"a feed tells of its reader: `{personal[0]}`", place=_FEED)
        return None

    with ThreadPoolExecutor(_READERS) as threads:
        found = threads.map(ask, readers * _ASKED_EACH)
        return [each for each in found if each is not None]


def _by_another_key(target: Target, reader: int, *, key: str, other: str) -> Iterator[Trouble]:
    path = f"/v1/feed/{reader}?limit=3"
    etag = target.get(path, key=key).first("etag")
    asked = {"no key": (None, _UNAUTHORIZED), "a key without `feed:read`": (other, _FORBIDDEN)}
    for name, (used, expected) in asked.items():
        for headers in ([], [("If-None-Match", etag or "*")]):
            answer = target.get(path, key=used, headers=headers)
            if answer.status != expected and not is_unready(answer):
                yield Trouble(title=f"{name}: a feed in memory answers {answer.status}", place=_FEED)


def _written_otherwise(target: Target, reader: int, *, key: str) -> Iterator[Trouble]:
    victim = str(reader)
    for text in (
        f"{victim}.0",
        f"-{victim}",
        f"{victim}e0",
        f"%2B{victim}",
        f"{victim},1",
        f"{victim}%20",
        "*",
        f"{victim}/../1",
    ):
        answer = target.get(f"/v1/feed/{text}", key=key)
        if answer.status == _GOOD:
            yield Trouble(title=f"the id `{text[:12]}...` finds a feed", place=_FEED)
    marker = secrets.token_hex(4)
    for query in (f"user_id={victim}", f"_={marker}", "limit=3&limit=4", "debug=1"):
        answer = target.get(f"/v1/feed/{stranger()}?{query}", key=key)
        if answer.status == _GOOD:
            yield Trouble(title=f"the unknown parameter `{query.partition('=')[0]}` is accepted", place=_FEED)


def _names(value: Any) -> set[str]:
    """Return the names of all fields of a document."""
    if isinstance(value, dict):
        return set(value) | {name for inner in value.values() for name in _names(inner)}
    return {name for inner in value for name in _names(inner)} if isinstance(value, list) else set()


CHECK = SecurityCheck(
    code="SEC108",
    title="keys see only what they may",
    weight=Weight.HIGH,
    owasp="A01",
    asvs=("V8.2.2",),
    look=look,
    explanation=__doc__ or "",
)
