"""Commands of `opsctl alerts`: test."""

import typer


def register(app: typer.Typer) -> None:
    """Add the verbs to the group `alerts`."""
