"""How does `security keys rotate` replace a key: in one transaction, whose end is looked up where nobody heard of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from opsctl.core.errors import NotReadyError, RefusedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg

    from opsctl.cli.backends import Backends
    from opsctl.store.api_keys import ApiKey, FreshKey
    from opsctl.store.key_rotation import NotRotatableError, Rotation


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneRotation:
    """A rotation, and within which time every worker that can ask the database refuses the old key.

    Args:
        old_lasts_seconds: how long the old key goes on, which is when the workers of this machine refuse it.
        remembered_seconds: how long workers elsewhere go by what they were told of the old key before.
    """

    rotation: "Rotation"
    old_lasts_seconds: float
    remembered_seconds: float

    @property
    def old_refused_within_seconds(self) -> float:
        """Return when every worker refuses the old key."""
        return max(self.old_lasts_seconds, self.remembered_seconds)

    @property
    def elsewhere_seconds(self) -> float | None:
        """Return how long the old key may go on elsewhere, where that is longer than here."""
        return self.remembered_seconds if self.remembered_seconds > self.old_lasts_seconds else None


def overlap_of(text: str, *, now: datetime) -> timedelta:
    """Return how long both keys hold; `0s` ends the old one at once.

    Raises:
        UsageError: KEY003 when the text is no duration, or leads nowhere.
    """
    from opsctl.cli.keying import WRITE_DURATION
    from opsctl.core.units import parse_duration

    try:
        overlap = timedelta(seconds=parse_duration(text))
        _ = now + overlap
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"two keys cannot overlap for `{text}`", code="KEY003", why=str(error), fix=WRITE_DURATION
        ) from error
    return overlap


def rotate(servers: "Backends", prefix: str, *, overlap: timedelta, is_dry_run: bool) -> DoneRotation:
    """Make the new key, let the old one end after the overlap, and tell the workers of this machine.

    Raises:
        UsageError: KEY002 when there is no key of this prefix.
        RefusedError: KEY005 when it cannot be rotated.
        NotReadyError: KEY006 when the connection broke and nobody can be asked whether it was done.
    """
    from opsctl.cli import wiring
    from opsctl.cli.keying import FIND_PREFIX
    from opsctl.service.plan import load_service_book
    from opsctl.store.api_keys import draw_key
    from opsctl.store.key_rotation import NotRotatableError

    try:
        rotation = _rotation(servers, prefix, fresh=draw_key(), overlap=overlap, is_dry_run=is_dry_run)
    except NotRotatableError as error:
        raise _refusal(error) from error
    if rotation is None:
        raise UsageError(f"no key has the prefix `{prefix}`", code="KEY002", fix=FIND_PREFIX)
    if not is_dry_run:
        wiring.invalidation_journal().post(f"apikey:{rotation.old.prefix}")
    return DoneRotation(
        rotation=rotation,
        old_lasts_seconds=_lasts_seconds(rotation, now=wiring.clock().now()),
        remembered_seconds=load_service_book(wiring.settings()).keys.remembered_seconds,
    )


def old_keys_in_use(keys: "Sequence[ApiKey]") -> "Sequence[ApiKey]":
    """Return the keys that were used after another one had taken their place."""
    made_at = {key.prefix: key.created_at for key in keys}
    return [
        key
        for key in keys
        if key.rotated_to is not None
        and key.last_used_at is not None
        and key.last_used_at > made_at[key.rotated_to]
    ]


def _rotation(
    servers: "Backends", prefix: str, *, fresh: "FreshKey", overlap: timedelta, is_dry_run: bool
) -> "Rotation | None":
    from opsctl.cli.asynchronous import on_database
    from opsctl.store.key_rotation import rotate_key

    has_begun = False

    async def work(connection: "psycopg.AsyncConnection[Any]") -> "Rotation | None":
        nonlocal has_begun
        has_begun = True
        return await rotate_key(connection, prefix, fresh=fresh, overlap=overlap, is_dry_run=is_dry_run)

    try:
        return on_database(servers, work)
    except NotReadyError as error:
        if not has_begun or is_dry_run:
            raise
        return _as_it_ended(servers, prefix, fresh=fresh, error=error)


def _as_it_ended(servers: "Backends", prefix: str, *, fresh: "FreshKey", error: NotReadyError) -> "Rotation":
    """Return the rotation whose answer was lost; where it did not happen, the error says why."""
    from functools import partial

    from opsctl.cli.asynchronous import on_database
    from opsctl.store.key_rotation import find_rotation

    try:
        found = on_database(servers, partial(find_rotation, prefix=prefix, fresh=fresh))
    except NotReadyError as second:
        raise NotReadyError(
            f"the connection broke while `{prefix}` was rotated, and whether it was done cannot be asked",
            code="KEY006",
            why=str(second),
            fix=f"see whether `{prefix}` was rotated to {fresh.prefix}: opsctl security keys list",
        ) from second
    if found is None:
        raise error
    return found


def _refusal(error: "NotRotatableError") -> RefusedError:
    import shlex

    from opsctl.store.key_rotation import NoRotation

    key = error.key
    fix = f"make a new one: opsctl security keys create --name {shlex.quote(key.name)} --plan {key.plan}"
    if error.reason is NoRotation.ROTATED:
        fix = f"use the key that takes its place; if that one is lost: opsctl security keys revoke {key.rotated_to}"
    return RefusedError(
        f"the key `{key.prefix}` ({key.name}) cannot be rotated",
        code="KEY005",
        why=str(error.reason),
        fix=fix,
    )


def _lasts_seconds(rotation: "Rotation", *, now: datetime) -> float:
    ends = rotation.old.expires_at
    return max(0.0, (ends - now).total_seconds()) if ends else 0.0
