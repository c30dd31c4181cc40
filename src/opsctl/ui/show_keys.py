"""How do API keys look: the new one once, then only what is known of each."""

from collections.abc import Sequence
from datetime import datetime

from opsctl.core.units import format_duration
from opsctl.store.api_keys import ApiKey, NewApiKey
from opsctl.ui.console import hint, note, print_line
from opsctl.ui.table import show_table


def show_new_key(made: NewApiKey) -> None:
    """Print the key and nothing else, so that it can be piped."""
    print_line(made.key)


def warn_shown_once(made: NewApiKey) -> None:
    """Say beside the result that nobody can show this key again."""
    note("this key is shown only once: keep it where secrets are kept")
    hint(f"a lost one is ended by `opsctl security keys revoke {made.record.prefix}`")


def show_keys(keys: Sequence[ApiKey], *, now: datetime) -> None:
    """Print a table of all keys, the oldest first."""
    from rich.markup import escape

    if not keys:
        print_line("no keys yet")
        hint("make one: `opsctl security keys create --name demo`")
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
    """Print which key was ended, and when everybody knows."""
    print_line(
        f"{key.prefix} ({key.name}) is revoked; workers of this machine refuse it at once, all others within "
        f"{format_duration(seconds)}"
    )


def _state(key: ApiKey, *, now: datetime) -> str:
    if key.revoked_at is not None:
        return "[red]revoked[/]"
    if key.expires_at is None:
        return "[green]good[/]"
    if key.expires_at <= now:
        return "[yellow]expired[/]"
    return f"[green]good[/] for {format_duration((key.expires_at - now).total_seconds())}"


def _age(moment: datetime | None, *, now: datetime) -> str:
    if moment is None:
        return "never"
    return f"{format_duration(max(0.0, (now - moment).total_seconds()))} ago"
