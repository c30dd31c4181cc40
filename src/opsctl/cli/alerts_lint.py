"""Commands of `opsctl alerts`: lint."""

import typer


def register(app: typer.Typer) -> None:
    """Add the verbs to the group `alerts`."""
