"""Commands of `opsctl security`: the audit, and the keys to the ranking service."""

from typing import Annotated

import typer

from opsctl.cli import security_audit
from opsctl.cli.keying import KeyScope
from opsctl.cli.options import DryRun, Json, command, group

app = group("Is the project safe, and who may use the ranking service.")
security_audit.register(app)
keys = group("API keys: only a hash is kept, and the prefix by which a key is found and shown.")
app.add_typer(keys, name="keys")


@command(
    keys,
    "opsctl security keys create --name storefront --expires 90d",
    "opsctl security keys create --name load-test --plan bench --expires 7d",
    "opsctl security keys create --name reader --scope feed:read --expires 90d",
)
def create(
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="Whose key it is, or for what.")],
    plan: Annotated[
        str, typer.Option("--plan", metavar="PLAN", help="A plan of the service's book: free, bench.")
    ] = "free",
    scope: Annotated[
        list[KeyScope] | None,
        typer.Option("--scope", help="What it is good for, once each; default: all but content:write."),
    ] = None,
    expires: Annotated[
        str | None, typer.Option("--expires", metavar="DURATION", help="Such as 90d; default: never.")
    ] = None,
    json: Json = False,
) -> None:
    """Make a key and print it: this is the only time that it is shown."""
    from functools import partial

    from opsctl.cli import keying, wiring
    from opsctl.cli.asynchronous import on_database
    from opsctl.cli.filling import tell
    from opsctl.store.api_keys import create_key
    from opsctl.ui.progress import progress
    from opsctl.ui.show_keys import show_new_key, warn_shown_once

    keying.require_sense(name=name, plan=plan)
    ends = keying.expiry(expires, now=wiring.clock().now())
    make = partial(create_key, name=name, plan=plan, scopes=scope or keying.DEFAULT_SCOPES, expires_at=ends)
    with progress() as listener, wiring.backends(listener) as servers:
        made = on_database(servers, make)
    data = {"key": made.key, "record": keying.as_data(made.record)}
    tell("opsctl.security.keys.create", data=data, json=json, show=lambda: show_new_key(made))
    warn_shown_once(made)


@command(keys, "opsctl security keys list", "opsctl security keys list --json", name="list")
def list_(json: Json = False) -> None:
    """List all keys with plan, scopes, state and last use; the keys themselves are not known.

    Who still uses a key that was rotated is told, as far as the service has reported it: it does so each half minute.
    """
    from opsctl.cli import keying, rotating, wiring
    from opsctl.cli.asynchronous import on_database
    from opsctl.cli.filling import tell
    from opsctl.store.api_keys import list_keys
    from opsctl.ui.progress import progress
    from opsctl.ui.show_keys import show_keys, warn_old_keys_in_use

    with progress() as listener, wiring.backends(listener) as servers:
        found = on_database(servers, list_keys)
    in_use = rotating.old_keys_in_use(found)
    data = [
        keying.as_data(key) | {"used_since_rotation": key in in_use if key.rotated_to else None}
        for key in found
    ]
    now = wiring.clock().now()
    tell("opsctl.security.keys.list", data=data, json=json, show=lambda: show_keys(found, now=now))
    warn_old_keys_in_use(in_use, now=now)


@command(
    keys,
    "opsctl security keys rotate Xk29fQ4z --dry-run",
    "opsctl security keys rotate Xk29fQ4z --overlap 24h",
)
def rotate(
    prefix: Annotated[str, typer.Argument(metavar="PREFIX", help="As `keys list` shows it.")],
    overlap: Annotated[
        str,
        typer.Option(
            "--overlap", metavar="DURATION", help="How long the old key goes on beside the new one."
        ),
    ] = "1h",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Make a key that takes another one's place: same name, plan, scopes and lifetime.

    It is printed once. The old key ends after the overlap; `keys list` tells whether somebody still uses it.
    """
    from opsctl.cli import keying, rotating, wiring
    from opsctl.cli.filling import tell
    from opsctl.ui.progress import progress
    from opsctl.ui.show_keys import show_rotation, warn_rotated, warn_shown_once

    named, lasting = keying.require_prefix(prefix), rotating.overlap_of(overlap, now=wiring.clock().now())
    with progress() as listener, wiring.backends(listener) as servers:
        done = rotating.rotate(servers, named, overlap=lasting, is_dry_run=dry_run)
    now = wiring.clock().now()
    data = {
        "key": None if dry_run else done.rotation.made.key,
        "record": None if dry_run else keying.as_data(done.rotation.made.record),
        "old": keying.as_data(done.rotation.old),
        "old_refused_within_seconds": done.old_refused_within_seconds,
        "dry_run": dry_run,
    }
    schema = "opsctl.security.keys.rotate"
    tell(schema, data=data, json=json, show=lambda: show_rotation(done.rotation, now=now, is_dry_run=dry_run))
    if not dry_run:
        warn_shown_once(done.rotation.made)
        warn_rotated(done.rotation, now=now, elsewhere_seconds=done.elsewhere_seconds)


@command(keys, "opsctl security keys revoke Xk29fQ4z")
def revoke(
    prefix: Annotated[str, typer.Argument(metavar="PREFIX", help="As `keys list` shows it.")],
    json: Json = False,
) -> None:
    """End a key for good. The workers of this machine refuse it at once, others when they ask the database again."""
    from opsctl.cli import keying, wiring
    from opsctl.cli.filling import tell
    from opsctl.ui.progress import progress
    from opsctl.ui.show_keys import show_revocation

    named = keying.require_prefix(prefix)
    with progress() as listener, wiring.backends(listener) as servers:
        done = keying.revoke(servers, named)
    seconds = done.holds_within_seconds
    data = {"record": keying.as_data(done.key), "holds_within_seconds": seconds}
    schema = "opsctl.security.keys.revoke"
    tell(schema, data=data, json=json, show=lambda: show_revocation(done.key, seconds=seconds))
