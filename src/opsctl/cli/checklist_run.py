"""The command `opsctl checklist run`: is everything ready, by the evidence that counts now?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opsctl.cli.options import DryRun, Json, Junit, Markdown, command

if TYPE_CHECKING:
    from opsctl.checklist.book import ChecklistBook
    from opsctl.checklist.model import Report

_Html = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Also write the checklist as a page.")
]


def register(app: typer.Typer) -> None:
    """Add the verb to the group `checklist`."""
    command(
        app,
        "opsctl checklist run",
        "opsctl checklist run --only p99 --only readiness",
        "opsctl checklist run --html checklist.html --junit checklist.xml",
        "opsctl checklist run --refresh --dry-run",
        "opsctl checklist run --refresh --within 30m",
    )(run)


def run(
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="ITEM", help="An item by name or code, or a group; several times."),
    ] = None,
    *,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="First make what is missing or stale, by the book's commands.")
    ] = False,
    within: Annotated[
        str | None, typer.Option("--within", metavar="TIME", help="With --refresh: as far as that gets.")
    ] = None,
    dry_run: DryRun = False,
    html: _Html = None,
    junit: Junit = None,
    markdown: Markdown = None,
    json: Json = False,
) -> None:
    """Judge every item by the evidence that counts now. Exit 1: something failed or went stale; 5: something is unknown.

    Only the ledger is read, and it has to verify first. Evidence that is too old, of another commit or of a book that has
    changed is stale; what was never measured, or could not tell, is unknown. Neither is a pass. A run of the whole list is
    kept as evidence itself; one of some items is not. A refresh that was killed goes on when it is run again.
    """
    from opsctl.cli import checklist_books, checklist_running, wiring
    from opsctl.cli.exit import leave
    from opsctl.ui.progress import progress

    if (within or dry_run) and not refresh:
        raise typer.BadParameter("only with --refresh", param_hint="--within" if within else "--dry-run")
    seconds = _seconds(within)
    book = checklist_books.book()
    chosen = checklist_books.codes_of(book, only or ())
    files = checklist_running.Outputs(html=html, junit=junit, markdown=markdown)
    files.require_writable()
    began, report = wiring.clock().monotonic(), checklist_running.judge(book, only=chosen)
    if dry_run:
        _show_plan(book, report, json=json)
        return
    if refresh:
        with progress() as listener:
            checklist_running.refresh(book, report, within_seconds=seconds, listener=listener)
        report = checklist_running.judge(book, only=chosen)
    if not chosen:
        checklist_running.record(report, book=book, seconds=wiring.clock().monotonic() - began)
    checklist_running.tell(report, of=len(book.items), files=files, json=json)
    leave(report.exit_code)


def _show_plan(book: "ChecklistBook", report: "Report", *, json: bool) -> None:
    from opsctl.cli import checklist_refreshing
    from opsctl.cli.filling import tell
    from opsctl.ui.show_refresh import show_plan

    plan = checklist_refreshing.plan(book, report)
    data = {
        "commands": plan.commands,
        "nobody": plan.nobody,
        "expected_seconds": plan.expected_seconds,
    }
    tell("opsctl.checklist.plan", data=data, json=json, show=lambda: show_plan(plan))


def _seconds(text: str | None) -> float | None:
    from opsctl.core.units import parse_duration

    if text is None:
        return None
    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--within") from error
