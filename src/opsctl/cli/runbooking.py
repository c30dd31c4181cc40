"""Which runbooks does the project have: read from its folder, found by rule, alert and step."""

from typing import TYPE_CHECKING

from opsctl.core.errors import UsageError

if TYPE_CHECKING:
    from opsctl.runbooks.model import Runbook, Step


def runbooks() -> "dict[str, Runbook]":
    """Return every runbook of the project by its file name, README.md too.

    Raises:
        UsageError: RBK090 there is no folder of them.
    """
    from opsctl.cli.alert_context import runbook_texts, runbooks_folder
    from opsctl.cli.command_tree import is_changing
    from opsctl.runbooks.changing import with_found_changes
    from opsctl.runbooks.parse import parse_runbook

    texts = runbook_texts()
    if texts is None:
        raise UsageError(
            f"there is no folder of runbooks `{runbooks_folder()}`",
            code="RBK090",
            fix="`opsctl alerts render` writes a stub for each rule; `books.runbooks` names the folder",
        )
    return {
        path.name: with_found_changes(parse_runbook(path.stem, text, file=str(path)), is_changing)
        for path, text in texts.items()
    }


def runbook(name: str) -> "Runbook":
    """Return the runbook of a rule, of an alert that came from one, or of a loss.

    Raises:
        UsageError: RBK090 there is none.
    """
    import difflib

    from opsctl.cli import dashboarding
    from opsctl.runbooks.model import RECOVERS

    files = {alert.name: alert.runbook for alert in dashboarding.rules().alerts}
    known = runbooks()
    for file in (files.get(name), f"{name}.md", f"{RECOVERS}{name}.md"):
        if file in known:
            return known[file]
    close = difflib.get_close_matches(name, [*files, *(each.removesuffix(".md") for each in known)], n=1)
    raise UsageError(
        f"there is no runbook of `{name}`",
        code="RBK090",
        fix=f"did you mean `{close[0]}`?" if close else "`opsctl runbooks list` shows all",
    )


def chosen_steps(book: "Runbook", number: int | None) -> "tuple[Step, ...]":
    """Return the step of this number, or without one every step that changes nothing.

    Raises:
        UsageError: RBK090 there is none of this number.
    """
    if number is None:
        return tuple(step for step in book.steps if step.changes is None)
    found = tuple(step for step in book.steps if step.number == number)
    if not found:
        raise UsageError(
            f"`{book.name}` has no step {number}",
            code="RBK090",
            fix=f"it has {len(book.steps)}: `opsctl runbooks show {book.name}`",
        )
    return found
