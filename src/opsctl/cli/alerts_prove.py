"""Commands of `opsctl alerts`: prove."""

import typer


def register(app: typer.Typer) -> None:
    """Add the verbs to the group `alerts`."""
