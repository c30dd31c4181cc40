"""The commands `opsctl dr verify`, `restore` and `prune`: proof that backups come back, and the way back itself."""

from enum import StrEnum
from typing import Annotated

import typer

from opsctl.cli.dr_load import load
from opsctl.cli.dr_options import From, Identity
from opsctl.cli.options import DryRun, Json, command


class VectorsFrom(StrEnum):
    """From where vectors come back."""

    SNAPSHOT = "snapshot"
    TRUTH = "truth"


class OnlyPart(StrEnum):
    """What alone is restored."""

    VECTORS = "vectors"


To = Annotated[
    str,
    typer.Option(
        "--to",
        metavar="POINT",
        help="latest, a time with its zone, an LSN, or name: and a restore point.",
    ),
]
Into = Annotated[
    str | None,
    typer.Option(
        "--into", metavar="FOLDER", help="A new project's folder, or `live` for this project's stack."
    ),
]
ToBackup = Annotated[
    str | None, typer.Option("--backup", metavar="NAME", help="To the end of this backup instead.")
]
Vectors = Annotated[
    VectorsFrom, typer.Option("--vectors", help="Put snapshots back, or build them anew from the truth.")
]
Only = Annotated[
    OnlyPart | None,
    typer.Option("--only", help="The vectors alone, brought level with the database as it is."),
]
FromOffsite = Annotated[bool, typer.Option("--offsite", help="From the off-site copy.")]
Without = Annotated[
    list[str] | None,
    typer.Option("--without", metavar="NAME", help="Leave out a backup that is damaged."),
]
Confirm = Annotated[
    str | None,
    typer.Option("--confirm", metavar="NAME", help="Name of the project whose stack is replaced."),
]


def register(app: typer.Typer) -> None:
    """Add the verbs to the group `dr`."""
    command(
        app,
        "opsctl dr verify",
        "opsctl dr verify --all --stored-only",
        "opsctl dr verify 20261129T014906Z",
    )(verify)
    command(
        app,
        "opsctl dr restore --into ../restored",
        "opsctl dr restore --to 2026-11-29T12:00:00Z --into ../restored",
        "opsctl dr restore --to latest --into live --dry-run",
        "opsctl dr restore --only vectors --into live --confirm shop",
        "opsctl dr restore --from s3://bucket/shop --identity key --into ../restored",
    )(restore)
    command(
        app,
        "opsctl dr load --database postgresql://db.example.com/shop --dry-run",
        "opsctl dr load 20261129T014906Z --database postgresql://db.example.com/shop",
        "opsctl dr load --roles roles.sql",
    )(load)
    command(app, "opsctl dr prune --dry-run", "opsctl dr prune")(prune)


def verify(
    backup: Annotated[
        str | None, typer.Argument(metavar="[BACKUP]", help="Beginning of its name; the newest without one.")
    ] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Every backup.")] = False,
    stored_only: Annotated[
        bool, typer.Option("--stored-only", help="Hash what is stored, without any key; restore nothing.")
    ] = False,
    offsite: Annotated[bool, typer.Option("--offsite", help="The off-site copy.")] = False,
    place: From = None,
    identity: Identity = None,
    json: Json = False,
) -> None:
    """Prove that a backup is whole and comes back: it is restored beside everything that runs, and compared.

    Every stored byte is hashed; PostgreSQL's own programs verify, combine and recover the chain and look at every table
    and index; collections come back into a node of their own, with their digests, indexes, aliases and golden queries;
    and the divergence of both stores must be zero. Exit 1 on any doubt.
    """
    from opsctl.cli import dr_place, dr_verifying
    from opsctl.cli.ending import ends_as_by_ctrl_c
    from opsctl.cli.exit import leave
    from opsctl.cli.filling import tell
    from opsctl.core.exit_codes import ExitCode
    from opsctl.ui.progress import progress
    from opsctl.ui.show_dr import show_verified

    dr_place.choose(place=place, identity=identity)
    with progress() as listener, ends_as_by_ctrl_c():
        reports = dr_verifying.verified(
            backup,
            everything=everything,
            stored_only=stored_only,
            offsite=offsite,
            listener=listener,
        )
    findings = [doubt for report in reports for doubt in report.doubts]
    tell(
        "opsctl.dr.verify",
        data=reports,
        json=json,
        show=lambda: show_verified(reports),
        findings=findings,
    )
    leave(ExitCode.BAD_VERDICT if findings else ExitCode.GOOD)


def restore(
    *,
    to: To = "latest",
    into: Into = None,
    backup: ToBackup = None,
    vectors: Vectors = VectorsFrom.SNAPSHOT,
    only: Only = None,
    offsite: FromOffsite = False,
    place: From = None,
    identity: Identity = None,
    without: Without = None,
    confirm: Confirm = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Bring both stores back to one agreed point.

    PostgreSQL goes to the point; the newest vectors that are not ahead of it are put back and brought level with it;
    what the point does not know is removed; aliases come last. All of that happens beside the target and is proven
    there, so a restore that fails leaves the target as it was.
    """
    from opsctl.cli import dr_place, dr_restore_places, dr_restoring, dr_way
    from opsctl.cli.ending import ends_as_by_ctrl_c
    from opsctl.cli.exit import leave
    from opsctl.cli.filling import tell
    from opsctl.core.exit_codes import ExitCode
    from opsctl.dr.postgres.target import parse_target
    from opsctl.ui.progress import progress
    from opsctl.ui.show_dr import show_restore_plan, show_restored

    if into is None:
        raise typer.BadParameter("say where to: --into FOLDER, or --into live", param_hint="--into")
    if only is not None:
        _require_no_point(to, backup)
    dr_place.choose(place=place, identity=identity)
    asked = dr_way.Asked(
        target=parse_target(to),
        place=dr_way.place_of(offsite=offsite),
        backup=backup,
        from_truth=vectors is VectorsFrom.TRUTH,
        without=tuple(without or ()),
        only=dr_way.Only(only) if only is not None else None,
    )
    plan = dr_restoring.plan(dr_way.way_to(asked), into=into)
    if dry_run:
        tell("opsctl.dr.restore_plan", data=plan, json=json, show=lambda: show_restore_plan(plan))
        return
    dr_restore_places.require_confirmed(into, confirm)
    with progress() as listener, ends_as_by_ctrl_c():
        report = dr_restoring.restore(asked, into=into, listener=listener)
    tell(
        "opsctl.dr.restore",
        data=report,
        json=json,
        show=lambda: show_restored(report, into=into),
        findings=report.doubts,
    )
    leave(ExitCode.GOOD if report.is_proven else ExitCode.BAD_VERDICT)


def _require_no_point(to: str, backup: str | None) -> None:
    if to != "latest" or backup is not None:
        raise typer.BadParameter(
            "vectors alone go to the database as it is, to no other point", param_hint="--only"
        )


def prune(
    *,
    replaced: Annotated[
        bool, typer.Option("--replaced", help="Also what restores have moved aside on this machine.")
    ] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Remove backups that `retention` does not keep, and the log that nothing needs any more.

    The last verified backup and everything that a kept one builds on stay, whatever is written in the book.
    """
    from opsctl.cli import dr_pruning
    from opsctl.cli.filling import tell
    from opsctl.ui.show_dr import show_pruned

    pruned = dr_pruning.prune(replaced=replaced, dry_run=dry_run)
    tell("opsctl.dr.prune", data=pruned, json=json, show=lambda: show_pruned(pruned, dry_run=dry_run))
