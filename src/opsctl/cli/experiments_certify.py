"""The command `opsctl experiments certify`: do our statistics keep what they promise."""

from pathlib import Path
from typing import Annotated

import typer

from opsctl.cli.options import Json, command


def register(app: typer.Typer) -> None:
    """Add the verb to the group `experiments`."""
    command(
        app,
        "opsctl experiments certify",
        "opsctl experiments certify --quick",
        "opsctl experiments certify mean cuped_ratio",
        "opsctl experiments certify --list",
        "opsctl experiments certify --list --markdown docs/guides/experiments.md",
    )(certify)


def certify(
    methods: Annotated[
        list[str] | None, typer.Argument(metavar="[METHOD]...", help="Which ones; all without it.")
    ] = None,
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help="A tenth of the experiments, for a look; certifies nothing.")
    ] = False,
    list_only: Annotated[
        bool, typer.Option("--list", help="Show what is certified now, and measure nothing.")
    ] = False,
    ship: Annotated[
        Path | None,
        typer.Option("--ship", metavar="FILE", help="Write the certificates of all methods, for a release."),
    ] = None,
    markdown: Annotated[
        Path | None,
        typer.Option("--markdown", metavar="FILE", help="Write the table into this page, between its marks."),
    ] = None,
    json: Json = False,
) -> None:
    """Measure error rates, coverage and power of each method on simulated experiments whose truth is known. Exit 1: a promise broken."""
    from opsctl.cli import experiments_certifying as certifying
    from opsctl.cli.document import document
    from opsctl.cli.exit import leave
    from opsctl.core.exit_codes import ExitCode
    from opsctl.ui.console import print_document
    from opsctl.ui.progress import progress
    from opsctl.ui.show_certificates import certificate_data, show_certificates

    chosen = certifying.chosen(methods or ())
    if ship is not None:
        certifying.require_shippable(ship, methods=chosen, is_whole=not quick)
    if list_only:
        found = certifying.held(chosen)
    else:
        with progress() as listener:
            found = certifying.measured(chosen, is_quick=quick, listener=listener)
    if ship is not None:
        certifying.write(ship, found)
    if markdown is not None:
        certifying.write_markdown(markdown, found)
    is_green = all(each.is_green for each in found)
    if json:
        data = [certificate_data(each) for each in found]
        print_document(document("opsctl.experiments.certify", data={"certificates": data}, ok=is_green))
    else:
        missing = [method.value for method in chosen if method not in {each.method for each in found}]
        show_certificates(found, missing=missing, is_quick=quick)
    leave(ExitCode.GOOD if is_green else ExitCode.BAD_VERDICT)
