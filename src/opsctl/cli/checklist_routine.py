"""The command `opsctl checklist routine`: what is to be looked at daily, weekly and monthly, and that somebody did."""

from typing import Annotated

import typer

from opsctl.cli.options import Json, command


def register(app: typer.Typer) -> None:
    """Add the verb to the group `checklist`."""
    command(
        app,
        "opsctl checklist routine",
        "opsctl checklist routine daily --run",
        "opsctl checklist routine weekly --done --as owner --note 'nothing to ship'",
    )(routine)


def routine(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="daily, weekly or monthly; all in short without it."),
    ] = None,
    *,
    run: Annotated[bool, typer.Option("--run", help="Run its commands, which only look.")] = False,
    done: Annotated[bool, typer.Option("--done", help="Say that it was done.")] = False,
    account: Annotated[
        str | None,
        typer.Option("--as", metavar="NAME", help="With --done: an account of the checklist's book."),
    ] = None,
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="With --done: what was found.")] = "",
    json: Json = False,
) -> None:
    """Show what a routine looks at, with the figures of the ledger, and whether it is due. Exit 1: one is overdue.

    `--done` keeps in the ledger who did it, when, what they found, and how the commands ended that `--run` ran with it.
    """
    from opsctl.cli import checklist_routines

    if (done or run) and name is None:
        raise typer.BadParameter("name the routine: daily, weekly or monthly", param_hint="NAME")
    if done and account is None:
        raise typer.BadParameter("say who did it", param_hint="--as")
    if (account or note) and not done:
        raise typer.BadParameter("only with --done", param_hint="--as" if account else "--note")
    checklist_routines.routine(name, run=run, signed=(account or "", note) if done else None, json=json)
