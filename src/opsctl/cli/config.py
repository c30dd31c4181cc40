"""Commands of `opsctl config`: what holds here and who said so, and the schemas of the books."""

from typing import Annotated

import typer

from opsctl.cli.options import Json, command, group

app = group("Settings with their origins, and the schemas of the books.")


@command(app, "opsctl config show", "OPSCTL_QDRANT_URL=http://127.0.0.1:6333 opsctl config show --json")
def show(json: Json = False) -> None:
    """Print every setting, its value and who set it; passwords in addresses are masked."""
    from dataclasses import replace

    from opsctl.cli import wiring
    from opsctl.cli.document import document
    from opsctl.config.settings import masked
    from opsctl.ui.console import print_document
    from opsctl.ui.show_project import show_settings

    rows = [replace(row, value=masked(row.value)) for row in wiring.settings().rows()]
    if json:
        print_document(document("opsctl.config.show", data=rows, ok=True))
    else:
        show_settings(rows)


@command(app, "opsctl config check")
def check(json: Json = False) -> None:
    """Check opsctl.yaml and every book; all problems at once, each with its place."""
    from opsctl.cli.config_checking import check_books
    from opsctl.cli.document import document
    from opsctl.ui.console import print_document, print_line
    from opsctl.ui.show_files import show_files

    checked = check_books()
    if json:
        print_document(document("opsctl.config.check", data=checked.read, ok=True, findings=checked.unread))
    else:
        show_files([("ok", name) for name in checked.read], column=3)
        for each in checked.unread:
            print_line(f"--  {each.title}")


@command(app, "opsctl config schema collections")
def schema(
    name: Annotated[
        str, typer.Argument(help="Such as project, collections, service, load, drill or experiment.")
    ],
) -> None:
    """Print the JSON Schema of a book, for editors."""
    from opsctl.cli import wiring
    from opsctl.ui.console import print_line

    print_line(wiring.schema_text(name).rstrip("\n"))
