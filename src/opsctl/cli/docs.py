"""Commands of `opsctl docs`: the site of the documentation, and whether what it says is so."""

from pathlib import Path
from typing import Annotated

import typer

from opsctl.cli.options import Json, command, group

app = group("The documentation: built as a site, and checked against what it speaks of.")


@command(app, "opsctl docs build", "opsctl docs build --out ../site", "opsctl docs build --json")
def build(
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="DIR", help="Where the site goes; default: `site` in the checkout."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Build the site of this checkout's documentation, and check it. Exit 1: something in it is wrong.

    Every link and anchor has to lead somewhere, every page to be in the navigation, every command that a page tells
    people to type to parse, every rendered page to be what the code renders, and nothing to be fetched from elsewhere.
    """
    from opsctl.cli import documenting
    from opsctl.cli.document import document
    from opsctl.cli.exit import leave
    from opsctl.ui.console import print_document
    from opsctl.ui.show_docs import show_build

    built = documenting.build(out)
    if json:
        data = documenting.document_of(built)
        print_document(document("opsctl.docs.build", data=data, ok=built.is_good, findings=built.findings))
    else:
        show_build(built, subject=documenting.subject_here())
    leave(built.exit_code)
