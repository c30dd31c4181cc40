"""Commands of `opsctl dr`: backups of both stores, proof that they restore, and drills that lose everything for real."""

from typing import Annotated

import typer

from opsctl.cli import dr_drill, dr_restore
from opsctl.cli.dr_options import From, Identity
from opsctl.cli.options import DryRun, Json, command, group

app = group("Disaster recovery: backups of both stores, their verification, restores to a point, drills.")


@command(app, "opsctl dr backup", "opsctl dr backup --full", "opsctl dr backup --dry-run")
def backup(
    full: Annotated[bool, typer.Option("--full", help="One that stands by itself.")] = False,
    incremental: Annotated[
        bool, typer.Option("--incremental", help="Only the blocks that changed since the one before.")
    ] = False,
    logical: Annotated[
        bool, typer.Option("--logical", help="A dump, for a server whose files nobody can reach.")
    ] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Copy PostgreSQL, the vectors, and what is needed around them into the repository.

    Without an option: incremental where that is possible and the last full one is young enough (`schedule.full_every`),
    else full; logical where `database.url` names a server. A backup that was killed goes on where it was.
    """
    from opsctl.cli import dr_backing_up
    from opsctl.cli.ending import ends_as_by_ctrl_c
    from opsctl.cli.filling import tell
    from opsctl.ui.progress import progress
    from opsctl.ui.show_dr import show_backup, show_backup_plan

    asked = dr_backing_up.asked_kind(full=full, incremental=incremental, logical=logical)
    if dry_run:
        plan = dr_backing_up.plan(asked)
        tell("opsctl.dr.backup_plan", data=plan, json=json, show=lambda: show_backup_plan(plan))
        return
    with progress() as listener, ends_as_by_ctrl_c():
        done = dr_backing_up.back_up(asked, listener=listener)
    tell(
        "opsctl.dr.backup",
        data=dr_backing_up.document_of(done),
        json=json,
        show=lambda: show_backup(done.manifest, place=done.place, seconds=done.seconds),
    )


@command(app, "opsctl dr list", "opsctl dr list --offsite --json")
def list(
    offsite: Annotated[bool, typer.Option("--offsite", help="Those of the off-site copy.")] = False,
    place: From = None,
    identity: Identity = None,
    json: Json = False,
) -> None:
    """List backups, the newest first: size, what was verified, and to which points one can go."""
    from opsctl.cli import dr_listing, dr_place, wiring
    from opsctl.cli.filling import tell
    from opsctl.ui.show_dr import show_backups, show_window

    dr_place.choose(place=place, identity=identity)
    found = dr_listing.listed(offsite=offsite)
    now = wiring.clock().now()

    def show() -> None:
        show_backups(found.backups, place=found.place, now=now)
        show_window(found.window, found.archiving, now=now, is_ours=found.is_ours)

    tell("opsctl.dr.list", data=dr_listing.document_of(found), json=json, show=show)


@command(app, "opsctl dr key", "opsctl dr key --to /media/usb/opsctl-backup.key")
def key(
    to: Annotated[
        str | None, typer.Option("--to", metavar="FILE", help="Where the secret key goes; it must not exist.")
    ] = None,
    json: Json = False,
) -> None:
    """Make a pair of keys: the public one is for the book, the secret one is needed to verify and to restore.

    Keep the secret key apart from what it opens, in two places: without it every backup is lost.
    """
    from opsctl.cli import dr_keys
    from opsctl.cli.filling import tell
    from opsctl.ui.show_dr import show_key

    made = dr_keys.make(to)
    tell(
        "opsctl.dr.key",
        data={"recipient": made.recipient, "file": made.file},
        json=json,
        show=lambda: show_key(made),
    )


@command(app, "opsctl dr archive", "opsctl stack up archiver")
def archive() -> None:
    """Ship the write-ahead log of the database into the repository, a few seconds behind it, until this is ended.

    The stack runs it as `archiver`. It goes on where it was; while it is away the server keeps what it has not shipped,
    up to a limit that protects the server's disk.
    """
    from opsctl.cli import dr_archiving

    dr_archiving.archive()


dr_restore.register(app)
dr_drill.register(app)
