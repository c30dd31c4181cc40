"""Commands of `opsctl training`: exercises for new operators, on the local stack, checked by what is really so."""

from typing import Annotated

import typer

from opsctl.cli.options import DryRun, Json, command, group

app = group("Exercises for new operators: prepared on the local stack, and checked by what is really so.")

Name = Annotated[str, typer.Argument(metavar="EXERCISE", help="Its name; `opsctl training list` shows all.")]
Person = Annotated[str, typer.Option("--as", metavar="NAME", help="Who does it.")]


@command(app, "opsctl training list", "opsctl training list --json", name="list")
def list_exercises(json: Json = False) -> None:
    """List the exercises in the order of the path, and who has done them."""
    from opsctl.cli import training_doing
    from opsctl.cli.filling import tell
    from opsctl.ui.show_training import document_of_list, show_exercises

    found = training_doing.listed()
    tell("opsctl.training.list", data=document_of_list(found), json=json, show=lambda: show_exercises(found))


@command(
    app,
    "opsctl training start broken_book --as anna",
    "opsctl training start reading_status --as anna --confirm school",
    "opsctl training start alias_lost --as anna --dry-run",
)
def start(
    exercise: Name,
    person: Person,
    confirm: Annotated[
        str | None,
        typer.Option("--confirm", metavar="PROJECT", help="Folder of the project whose stack may be broken."),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Begin anew what was begun.")] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Begin an exercise: prepare the local stack for it, and say what is to be brought about.

    What breaks something is refused without the name of the project. Only what comes afterwards counts for the check.
    """
    from opsctl.cli import training_doing
    from opsctl.cli.filling import tell
    from opsctl.ui.show_training import document_of_start, show_plan, show_start

    if dry_run:
        book, plan = training_doing.planned(exercise, person=person, again=again)
        data = document_of_start(exercise, book, told=plan.told)
        tell("opsctl.training.plan", data=data, json=json, show=lambda: show_plan(book, told=plan.told))
        return
    book, attempt = training_doing.start(exercise, person=person, again=again, confirm=confirm)
    data, pages = document_of_start(exercise, book, attempt=attempt), training_doing.pages_of(book)
    tell(
        "opsctl.training.start",
        data=data,
        json=json,
        show=lambda: show_start(exercise, book, attempt, pages=pages),
    )


@command(
    app,
    "opsctl training check broken_book --as anna",
    "opsctl training check reading_status --as anna --answer part=vectors",
    "opsctl training check alias_lost --as anna --hint",
)
def check(
    exercise: Name,
    person: Person,
    answer: Annotated[
        list[str] | None,
        typer.Option("--answer", metavar="NAME=VALUE", help="An answer to what is asked; once for each."),
    ] = None,
    hint: Annotated[bool, typer.Option("--hint", help="Give one hint more; they are counted.")] = False,
    json: Json = False,
) -> None:
    """Look whether an exercise is done, and record it when it is. Exit 1: not yet; exit 5: something could not be seen."""
    from opsctl.cli import training_doing
    from opsctl.cli.document import document
    from opsctl.cli.exit import leave
    from opsctl.ui.console import print_document
    from opsctl.ui.show_training import document_of_check, exit_code_of, show_check

    looked = training_doing.check(exercise, person=person, answers=answer or (), wants_hint=hint)
    if json:
        data = document_of_check(looked)
        print_document(document("opsctl.training.check", data=data, ok=looked.is_done))
    else:
        show_check(looked)
    leave(exit_code_of(looked))
