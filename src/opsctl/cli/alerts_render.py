"""Commands of `opsctl alerts`: render."""

import typer


def register(app: typer.Typer) -> None:
    """Add the verbs to the group `alerts`."""
