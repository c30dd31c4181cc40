"""Are there API keys that nobody needs any more, that live for ever, or that are good for more than they are used for?

Looked at: every key that still holds. It counts when it never ends, is older than 90 days, was made more than 30 days ago
and never used, was not used for 90 days, or is good for reading feeds and for writing content: the storefront's key sits in
front ends and logs, that of the catalogue's import should be another one.

Mend: `opsctl security keys create` a new one with `--expires` and the scopes it needs, and revoke the old one.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from opsctl.security.context import Context
from opsctl.security.model import Answer, SecurityCheck, Trouble, Weight, failed, passed
from opsctl.security.saying import counted, in_days
from opsctl.store.api_keys import ApiKey

OLDEST = timedelta(days=90)
LONGEST_UNUSED = timedelta(days=30)
_READING, _WRITING = "feed:read", "content:write"


def look(context: Context) -> Answer:
    """Look at every key that still holds."""
    keys = [each for each in context.database.api_keys() if _holds(each, now=context.now)]
    troubles = tuple(each for key in keys for each in _of(key, now=context.now))
    if troubles:
        return failed(
            f"{len({each.place for each in troubles})} of {counted(len(keys), 'key')} should not hold, or not so",
            mend="make a new key with an end and the scopes it needs, and revoke the old one: opsctl security keys --help",
            troubles=troubles,
        )
    if not keys:
        return passed("there is no key that holds")
    return passed(
        f"{counted(len(keys), 'key')} that {'holds' if len(keys) == 1 else 'hold'}: each ends, is used, and is good for one kind of work"
    )


def _holds(key: ApiKey, *, now: datetime) -> bool:
    return key.revoked_at is None and (key.expires_at is None or key.expires_at > now)


def _of(key: ApiKey, *, now: datetime) -> Iterator[Trouble]:
    for why in _reasons(key, now=now):
        yield Trouble(
            title=f"key {key.prefix} ({key.name}) {why}",
            place=f"key {key.prefix}",
            mend=f"opsctl security keys revoke {key.prefix}",
        )


def _reasons(key: ApiKey, *, now: datetime) -> Iterator[str]:
    age = now - key.created_at
    if key.expires_at is None:
        yield "never ends"
    if age > OLDEST:
        yield f"is {in_days(age)} old"
    if key.last_used_at is None and age > LONGEST_UNUSED:
        yield f"was made {in_days(age)} ago and never used"
    if key.last_used_at is not None and now - key.last_used_at > OLDEST:
        yield f"was not used for {in_days(now - key.last_used_at)}"
    if {_READING, _WRITING} <= set(key.scopes):
        yield f"is good for `{_READING}` and `{_WRITING}` at once"


CHECK = SecurityCheck(
    code="SEC008",
    title="API keys end and are used",
    weight=Weight.MEDIUM,
    owasp="A07",
    asvs=("V11.1.1", "V13.2.2"),
    look=look,
    explanation=__doc__ or "",
)
