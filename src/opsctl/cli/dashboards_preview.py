"""The command `opsctl dashboards preview`."""

import typer


def register(app: typer.Typer) -> None:
    """Add the verb to the group `dashboards`."""
