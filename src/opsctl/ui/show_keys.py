"""How do API keys look: the new one once, then only what is known of each."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from opsctl.core.units import format_age, format_duration
from opsctl.store.api_keys import ApiKey, NewApiKey
from opsctl.store.key_rotation import Rotation
from opsctl.ui.console import hint, note, print_line, warn
from opsctl.ui.table import show_table


def show_new_key(made: NewApiKey) -> None:
    """Print the key and nothing else, so that it can be piped."""
    print_line(made.key)


def warn_shown_once(made: NewApiKey) -> None:
    """Say beside the result that nobody can show this key again."""
    note("this key is shown only once: keep it where secrets are kept")
    hint(f"a lost one is ended by `opsctl security keys revoke {made.record.prefix}`")
    if made.record.expires_at is None:
        hint("it never ends, which `opsctl security audit` finds (SEC008); with `--expires 90d` it would")


def show_keys(keys: Sequence[ApiKey], *, now: datetime) -> None:
    """Print a table of all keys, the oldest first."""
    from rich.markup import escape

    if not keys:
        print_line("no keys yet")
        hint("make one: `opsctl security keys create --name demo --expires 90d`")
        return
    rows = [
        (
            key.prefix,
            escape(key.name),
            escape(key.plan),
            escape(" ".join(key.scopes)),
            _state(key, now=now),
            _age(key.created_at, now=now),
            _age(key.last_used_at, now=now),
        )
        for key in keys
    ]
    show_table(("prefix", "name", "plan", "scopes", "state", "made", "last used"), rows)


def show_revocation(key: ApiKey, *, seconds: float) -> None:
    """Print which key was ended, and when everybody knows who can ask the database."""
    print_line(
        f"{key.prefix} ({key.name}) is revoked; workers of this machine refuse it at once, all others within "
        f"{format_duration(seconds)}"
    )


def show_rotation(rotation: Rotation, *, now: datetime, is_dry_run: bool) -> None:
    """Print the new key and nothing else, so that it can be piped; of a dry run what would be done."""
    if not is_dry_run:
        print_line(rotation.made.key)
        return
    new, old = rotation.made.record, rotation.old
    lasting = "for ever" if new.expires_at is None else f"for {_time_left(new.expires_at, now=now)}"
    print_line(f"a new key `{new.name}`, plan {new.plan}, scopes {' '.join(new.scopes)}, good {lasting}")
    print_line(
        f"{old.prefix} would go on beside it {_until(old, now=now)}; last used {_last_use(old, now=now)}"
    )
    note("nothing was changed")


def warn_rotated(rotation: Rotation, *, now: datetime, elsewhere_seconds: float | None) -> None:
    """Say beside the new key when the old one ends, here and elsewhere, and when it was last used."""
    old = rotation.old
    late = elsewhere_seconds
    note(
        f"{old.prefix} ({old.name}) goes on beside it {_until(old, now=now)}"
        + (f", on other machines for up to {format_duration(late)}" if late is not None else "")
        + f"; last used {_last_use(old, now=now)}"
    )
    hint("give the new key to whoever uses the old one; `opsctl security keys list` tells who still does")


def warn_old_keys_in_use(keys: Sequence[ApiKey], *, now: datetime) -> None:
    """Say which keys were used after others had taken their places: somebody has not switched."""
    for key in keys:
        warn(
            f"{key.prefix} ({key.name}) was used {_last_use(key, now=now)}, after {key.rotated_to} had taken its "
            f"place; {_ending(key, now=now)}"
        )


def _until(key: ApiKey, *, now: datetime) -> str:
    ends = key.expires_at or now
    return f"for {_time_left(ends, now=now)}, until {ends.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _time_left(moment: datetime, *, now: datetime) -> str:
    return format_age(math.ceil(max(0.0, (moment - now).total_seconds())))


def _ending(key: ApiKey, *, now: datetime) -> str:
    if key.revoked_at is not None:
        return "it was revoked"
    if key.expires_at is None:
        return "it goes on"
    seconds = (key.expires_at - now).total_seconds()
    return f"it ends in {format_age(seconds)}" if seconds > 0 else f"it ended {format_age(-seconds)} ago"


def _last_use(key: ApiKey, *, now: datetime) -> str:
    return _age(key.last_used_at, now=now)


def _state(key: ApiKey, *, now: datetime) -> str:
    rotated = f", rotated to {key.rotated_to}" if key.rotated_to else ""
    if key.revoked_at is not None:
        return f"[red]revoked[/]{rotated}"
    if key.expires_at is None:
        return "[green]good[/]"
    if key.expires_at <= now:
        return f"[yellow]expired[/]{rotated}"
    return f"[green]good[/] for {_time_left(key.expires_at, now=now)}{rotated}"


def _age(moment: datetime | None, *, now: datetime) -> str:
    if moment is None:
        return "never"
    return f"{format_age((now - moment).total_seconds())} ago"
