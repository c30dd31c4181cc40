"""The command `opsctl dr load`: a logical backup goes into an empty database."""

from pathlib import Path
from typing import Annotated

import typer

from opsctl.cli.dr_options import From, Identity
from opsctl.cli.options import DryRun, Json

LogicalBackup = Annotated[
    str | None,
    typer.Argument(metavar="[BACKUP]", help="Beginning of its name; the newest logical one without."),
]
IntoDatabase = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="An empty database; its password stands in OPSCTL_DATABASE_PASSWORD.",
    ),
]
Owners = Annotated[
    bool,
    typer.Option("--owners/--no-owners", help="Keep owners, grants and policies; the roles must be there."),
]
RolesFile = Annotated[
    Path | None,
    typer.Option("--roles", metavar="FILE", help="Write the roles there as SQL instead, to be run first."),
]


def load(
    backup: LogicalBackup = None,
    *,
    database: IntoDatabase = None,
    owners: Owners = True,
    roles: RolesFile = None,
    place: From = None,
    identity: Identity = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Load a logical backup into an empty database, in one transaction, and compare every table with what was dumped.

    Vectors are not part of it: they come from the truth, with `opsctl catalog sync --from-scratch` and `opsctl
    collections rebuild`, once `database.url` names that database.
    """
    from opsctl.cli import dr_logical, dr_place
    from opsctl.cli.ending import ends_as_by_ctrl_c
    from opsctl.cli.filling import tell
    from opsctl.dr.postgres.dump_restore import Ownership
    from opsctl.ui.progress import progress
    from opsctl.ui.show_dr_load import show_load_plan, show_loaded, show_roles

    if (database is None) == (roles is None):
        raise typer.BadParameter("say where to: --database URL, or --roles FILE", param_hint="--database")
    dr_place.choose(place=place, identity=identity)
    manifest, vault = dr_logical.chosen(backup)
    if database is None:
        written = dr_logical.write_roles(manifest, vault=vault, to=roles, dry_run=dry_run)
        tell("opsctl.dr.roles", data=written, json=json, show=lambda: show_roles(written, dry_run=dry_run))
        return
    address = dr_logical.address_of(database)
    if dry_run:
        planned = dr_logical.plan(manifest, address=address)
        tell("opsctl.dr.load_plan", data=planned, json=json, show=lambda: show_load_plan(planned))
        return
    with progress() as listener, ends_as_by_ctrl_c():
        loaded = dr_logical.load(
            manifest,
            vault=vault,
            address=address,
            ownership=Ownership.KEPT if owners else Ownership.OURS,
            listener=listener,
        )
    tell("opsctl.dr.load", data=loaded, json=json, show=lambda: show_loaded(loaded))
