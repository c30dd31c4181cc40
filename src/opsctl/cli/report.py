"""The command `opsctl report`: one site of pages from the evidence ledger and the stored runs."""

from typing import Annotated

import typer

from opsctl.cli.options import Json, command, group

app = group("Everything that is proven, as pages for those who have no opsctl.")


@app.callback()
def options() -> None:
    """Keep `build` a verb of its own while it is the only one."""


@command(
    app,
    "opsctl report build",
    "opsctl report build --out public/report",
    "opsctl report build --open",
)
def build(
    *,
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            metavar="FOLDER",
            help="Where the site goes; .opsctl/reports/site without it. It is replaced as a whole.",
        ),
    ] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Also show it in the browser.")] = False,
    json: Json = False,
) -> None:
    """Write one site of HTML pages from the ledger: checklist, benchmarks, alerts, drills, recovery, experiments, costs, security, evidence.

    It needs no server and no network, and runs from the file system. Exit 0: it was built; whether all is ready says
    `opsctl checklist run`.
    """
    from opsctl.cli import reporting
    from opsctl.cli.filling import tell
    from opsctl.ui.progress import progress
    from opsctl.ui.show_site import show_site

    with progress() as listener:
        built = reporting.build(out, listener=listener)
    tell("opsctl.report.build", data=built, json=json, show=lambda: show_site(built))
    if open_it:
        reporting.show_in_browser(built)
