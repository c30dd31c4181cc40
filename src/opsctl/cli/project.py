"""The house-keeping verbs at the top of the tree: init, doctor, explain, version."""

import typer

from opsctl.cli.options import command


def register(app: typer.Typer) -> None:
    """Add the verbs that belong to no noun."""
    command(app, "opsctl version")(version)


def version() -> None:
    """Print the version."""
    from opsctl import __version__
    from opsctl.ui.console import print_line

    print_line(f"opsctl {__version__}")
