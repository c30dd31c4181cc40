"""With what do the verbs of `security keys` work: the table of keys, the plans of the book, and who is told."""

from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from opsctl.core.errors import UsageError

if TYPE_CHECKING:
    from opsctl.cli.backends import Backends
    from opsctl.store.api_keys import ApiKey


class KeyScope(StrEnum):
    """What a key may be good for."""

    FEED_READ = "feed:read"
    INTERACTIONS_WRITE = "interactions:write"
    CONTENT_READ = "content:read"
    CONTENT_WRITE = "content:write"


_LONGEST_NAME = 100
WRITE_DURATION = "write it as `90d` or `12h`"
FIND_PREFIX = "run `opsctl security keys list`; the prefix is the part between `opk_` and the next `_`"

DEFAULT_SCOPES = (KeyScope.FEED_READ, KeyScope.INTERACTIONS_WRITE, KeyScope.CONTENT_READ)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """A key that was revoked, and within which time every worker refuses it."""

    key: "ApiKey"
    holds_within_seconds: float


def require_sense(*, name: str, plan: str) -> None:
    """Refuse a key without a good name, and a plan that the service's book does not have: its limit would be unknown.

    Raises:
        UsageError: KEY001 unknown plan, KEY004 no name, or one that a terminal cannot show as it is.
    """
    from opsctl.cli import wiring
    from opsctl.service.plan import load_service_book

    if not name.strip():
        raise UsageError(
            "a key needs a name", code="KEY004", fix="say whose it is, or for what: --name storefront"
        )
    if len(name) > _LONGEST_NAME or not name.isprintable():
        raise UsageError(
            f"a key's name has at most {_LONGEST_NAME} printable characters",
            code="KEY004",
            why="lists of keys show it as it is",
            fix="shorten it, without line breaks and control characters: --name storefront",
        )
    plans = load_service_book(wiring.settings()).plans
    if plan not in plans:
        raise UsageError(
            f"no plan is called `{plan}`",
            code="KEY001",
            fix=f"one of: {', '.join(plans)}; or add it to `{wiring.settings().project.books.service}`",
        )


def expiry(text: str | None, *, now: datetime) -> datetime | None:
    """Return when a key ends that lives for so long, such as `90d`.

    Raises:
        UsageError: KEY003 when the text is no duration, or leads nowhere.
    """
    from datetime import timedelta

    from opsctl.core.units import parse_duration

    if text is None:
        return None
    try:
        # At least a second: a key that ends at once is of no use to anybody.
        return now + timedelta(seconds=max(1.0, parse_duration(text)))
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"a key cannot expire in `{text}`", code="KEY003", why=str(error), fix=WRITE_DURATION
        ) from error


def require_prefix(text: str) -> str:
    """Return the prefix that somebody names; whoever pastes a whole key, such as a leaked one, means its prefix.

    Raises:
        UsageError: KEY002 no key can have it; what might hold a secret is not repeated.
    """
    from opsctl.store.api_keys import prefix_of

    prefix = prefix_of(text) or text
    if not (prefix.isascii() and prefix.isalnum()):
        raise UsageError("this is no prefix of a key", code="KEY002", fix=FIND_PREFIX)
    return prefix


def revoke(servers: "Backends", prefix: str) -> Revocation:
    """Revoke a key, tell the workers of this machine, and say when the others will know.

    Raises:
        UsageError: KEY002 when no key that still holds has this prefix.
    """
    from opsctl.cli import wiring
    from opsctl.cli.asynchronous import on_database
    from opsctl.service.plan import load_service_book
    from opsctl.store.api_keys import revoke_key

    revoked = on_database(servers, lambda connection: revoke_key(connection, prefix))
    if revoked is None:
        raise UsageError(
            f"no key with the prefix `{prefix}` still holds",
            code="KEY002",
            why="there is none of it, or it was revoked before",
            fix=FIND_PREFIX,
        )
    wiring.invalidation_journal().post(f"apikey:{revoked.prefix}")
    seconds = load_service_book(wiring.settings()).keys.remembered_seconds
    return Revocation(key=revoked, holds_within_seconds=seconds)


def as_data(key: "ApiKey") -> dict[str, Any]:
    """Return what a program may see of a key: everything but the hash."""
    hidden = "hash"
    return {each.name: getattr(key, each.name) for each in fields(key) if each.name != hidden}
