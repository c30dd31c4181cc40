"""The commands `opsctl chaos list`, `faults` and `budget`: what there is to break, and what it did cost."""

import re
from typing import Annotated

import typer

from opsctl.cli.options import Json, command

_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


def register(app: typer.Typer) -> None:
    """Add the verbs to the group `chaos`."""
    command(app, "opsctl chaos list", "opsctl chaos list --profile ci --json", name="list")(list_drills)
    command(app, "opsctl chaos faults", "opsctl chaos faults --json")(faults)
    command(app, "opsctl chaos budget", "opsctl chaos budget --month 2026-11")(budget)


def list_drills(
    *,
    profile: Annotated[
        str | None, typer.Option("--profile", metavar="TAG", help="Only drills with this tag, such as `ci`.")
    ] = None,
    json: Json = False,
) -> None:
    """Show the drills, how long each lasts, what it may cost, and what came of it when it was last held."""
    from opsctl.cli import chaosing
    from opsctl.cli.document import document
    from opsctl.ui.console import print_document
    from opsctl.ui.show_chaos import show_drills

    drills = chaosing.drills((), tags=(profile,) if profile else ())
    proofs = chaosing.last_outcomes()
    if json:
        print_document(document("opsctl.chaos.list", data=chaosing.listed(drills, proofs), ok=True))
    else:
        show_drills(drills, last=chaosing.outcomes_of(proofs))


def faults(*, json: Json = False) -> None:
    """Show the faults that drills can make."""
    from opsctl.chaos.registry import all_faults
    from opsctl.cli.document import document
    from opsctl.ui.console import print_document
    from opsctl.ui.table import show_table

    if json:
        listed = [
            {"code": each.code, "name": each.name, "title": each.title} for each in all_faults().values()
        ]
        print_document(document("opsctl.chaos.faults", data=listed, ok=True))
    else:
        rows = [(each.code, each.name, each.title) for each in all_faults().values()]
        show_table(("code", "fault", "what happens"), rows)


def budget(
    *,
    month: Annotated[
        str | None,
        typer.Option("--month", metavar="YYYY-MM", help="Which month; this one without it."),
    ] = None,
    json: Json = False,
) -> None:
    """Show what the drills of a month burned of the service level, and what is left."""
    from opsctl.cli import chaosing
    from opsctl.cli.document import document
    from opsctl.ui.console import print_document
    from opsctl.ui.progress import progress
    from opsctl.ui.show_chaos import show_statement

    if month is not None and not _MONTH.fullmatch(month):
        raise typer.BadParameter("such as 2026-11", param_hint="--month")
    with progress() as listener:
        statement = chaosing.budget_ledger(listener).statement(month)
    if json:
        print_document(document("opsctl.chaos.budget", data=statement, ok=True))
    else:
        show_statement(statement)
