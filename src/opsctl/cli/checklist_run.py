"""The command `opsctl checklist run`: is everything ready, by the evidence that counts now?"""

from pathlib import Path
from typing import Annotated

import typer

from opsctl.cli.options import Json, Junit, Markdown, command

_Html = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Also write the checklist as a page.")
]


def register(app: typer.Typer) -> None:
    """Add the verb to the group `checklist`."""
    command(
        app,
        "opsctl checklist run",
        "opsctl checklist run --only latency --only readiness",
        "opsctl checklist run --html checklist.html --junit checklist.xml",
    )(run)


def run(
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="ITEM", help="An item by name or code, or a group; several times."),
    ] = None,
    *,
    html: _Html = None,
    junit: Junit = None,
    markdown: Markdown = None,
    json: Json = False,
) -> None:
    """Judge every item by the evidence that counts now. Exit 1: something failed or went stale; 5: something is unknown.

    Only the ledger is read, and it has to verify first. Evidence that is too old, of another commit or of a book that has
    changed is stale; what was never measured, or could not tell, is unknown. Neither is a pass. A run of the whole list is kept
    as evidence itself; one of some items is not.
    """
    from opsctl.cli import checklist_books, checklist_running, wiring
    from opsctl.cli.exit import leave

    book = checklist_books.book()
    chosen = checklist_books.codes_of(book, only or ())
    files = checklist_running.Outputs(html=html, junit=junit, markdown=markdown)
    files.require_writable()
    began = wiring.clock().monotonic()
    report = checklist_running.judge(book, only=chosen)
    if not chosen:
        checklist_running.record(report, book=book, seconds=wiring.clock().monotonic() - began)
    checklist_running.tell(report, files=files, json=json)
    leave(report.exit_code)
