"""What would an injection into SQL look like, and how would an answer betray it?

Only forms that narrow what a statement finds (`and`): where one did work, it must not widen a statement that deletes.
Comments stand for spaces, because some values may not hold any.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

SLEEP_SECONDS = 1.0

# Words of PostgreSQL, its drivers and its REST layer in errors that nobody should see.
_ERROR_WORDS = re.compile(
    rb"syntax error at or near|unterminated quoted|invalid input syntax|psycopg|postgres|pg_catalog|SQLSTATE|"
    rb"relation \\?\"|column \\?\"|sqlalchemy|asyncpg|PGRST|LINE \d+:|operator does not exist",
    re.IGNORECASE,
)
# What differs between two answers to one question.
_VOLATILE = frozenset({"request_id", "instance", "feed_id", "generated_at"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A condition that is true and one that is false, written into a value: only an injection tells them apart."""

    true: str
    false: str


def breaking(good: Any) -> Iterator[str]:
    """Return values that break a statement into which they are pasted."""
    yield from (f"{good}'", f'{good}"', f"{good}\\", f"{good}')", f"{good}/*", f"{good};--", f"{good}%27")


def pairs(good: Any) -> Iterator[Pair]:
    """Return conditions for values that stand in quotes, and for those that do not."""
    yield Pair(true=f"{good}'/**/and/**/'1'='1", false=f"{good}'/**/and/**/'1'='2")
    yield Pair(true=f"{good}/**/and/**/1=1", false=f"{good}/**/and/**/1=2")


def sleeping(good: Any) -> Iterator[tuple[str, str]]:
    """Return values that let the database sleep, each with one that is alike and does not."""
    asleep, awake = (f"pg_sleep({seconds:g})" for seconds in (SLEEP_SECONDS, 0))
    for form in (
        "{good}'/**/and/**/(select/**/1/**/from/**/{sleep})/**/is/**/null--",
        "{good}/**/and/**/(select/**/1/**/from/**/{sleep})/**/is/**/null",
        "{good};select/**/{sleep}--",
    ):
        yield form.format(good=good, sleep=asleep), form.format(good=good, sleep=awake)


def shows_sql(body: bytes) -> str | None:
    """Return the words of a database's error in a body, if there are any."""
    found = _ERROR_WORDS.search(body)
    return found[0].decode(errors="replace") if found else None


def substance(status: int, body: bytes, *, sent: str) -> tuple[int, str]:
    """Return of an answer what does not differ by itself from one request to the next, nor repeats what was sent."""
    try:
        document = json.loads(body)
    except ValueError:
        return status, ""
    return status, json.dumps(_without_volatile(document, sent=sent), sort_keys=True)


def _without_volatile(value: Any, *, sent: str) -> Any:
    if isinstance(value, dict):
        return {
            name: _without_volatile(inner, sent=sent)
            for name, inner in value.items()
            if name not in _VOLATILE
        }
    if isinstance(value, list):
        return [_without_volatile(each, sent=sent) for each in value]
    return value.replace(sent, "") if isinstance(value, str) else value
