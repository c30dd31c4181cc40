"""Commands of `opsctl deploy`: files for real machines, rendered from one book and held to it."""

from pathlib import Path
from typing import Annotated

import typer

from opsctl.cli.options import DryRun, Json, command, group
from opsctl.cli.rendering import out_folder
from opsctl.deploy.facts import Part

app = group("Deployment: compose, Kubernetes, the edge, the vector cluster and CI, rendered from one book.")


@command(
    app,
    "opsctl deploy render",
    "opsctl deploy render --check",
    "opsctl deploy render --only compose --dry-run",
)
def render(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit 1 where a file differs from its book.")
    ] = False,
    only: Annotated[
        list[Part] | None, typer.Option("--only", help="Only this part; may be given several times.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", parser=out_folder, metavar="PATH", help="Folder; default: `deploy` of the project."
        ),
    ] = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Render the files that put the service on real machines, and have each looked at by what checks it offline.

    The same book and the same project always give the same bytes. Exit 1: a checker refuses a file, or with --check one
    differs. A checker that is not on this machine is named, and is no pass.
    """
    from opsctl.cli import deploying, wiring
    from opsctl.cli.deploy_validating import rendered_code, validated, written
    from opsctl.cli.exit import leave
    from opsctl.cli.filling import tell
    from opsctl.ui.progress import progress
    from opsctl.ui.show_deploy import show_render

    folder = out or wiring.settings().root / "deploy"
    began = deploying.begin()
    files = deploying.rendered(tuple(only or Part))
    with progress() as listener:
        looked = validated(files, listener=listener)
    changes = written(files, folder=folder, check=check, dry_run=dry_run)
    if not (check or dry_run):
        deploying.record(files, looked, began=began)
    counts = {str(part): len(each) for part, each in files.items()}
    tell(
        "opsctl.deploy.render",
        data={"folder": folder, "files": counts, "changes": changes, "checks": looked},
        json=json,
        show=lambda: show_render(changes, counts, looked, folder=folder, is_written=not (check or dry_run)),
    )
    leave(rendered_code(looked, has_drift=check and bool(changes)))


@command(app, "opsctl deploy lint", "opsctl deploy lint --only kubernetes --json")
def lint(
    *,
    only: Annotated[
        list[Part] | None, typer.Option("--only", help="Only this part; may be given several times.")
    ] = None,
    json: Json = False,
) -> None:
    """Have what would be rendered looked at by what checks it offline; nothing is written.

    Exit 1: a checker refuses a file. Exit 5: none does, and one that could is not on this machine.
    """
    from opsctl.cli import deploying
    from opsctl.cli.deploy_validating import lint_code, validated
    from opsctl.cli.exit import leave
    from opsctl.cli.filling import tell
    from opsctl.ui.progress import progress
    from opsctl.ui.show_deploy import show_checks

    files = deploying.rendered(tuple(only or Part))
    with progress() as listener:
        looked = validated(files, listener=listener)
    counts = {str(part): len(each) for part, each in files.items()}
    tell(
        "opsctl.deploy.lint",
        data={"files": counts, "checks": looked},
        json=json,
        show=lambda: show_checks(counts, looked),
    )
    leave(lint_code(looked))
