"""How is the checklist judged, recorded and shown?"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.cli.report_files import require_places, write_reports

if TYPE_CHECKING:
    from opsctl.checklist.book import ChecklistBook
    from opsctl.checklist.model import Report
    from opsctl.core.events import Listener


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """Files to write beside the result."""

    html: Path | None = None
    junit: Path | None = None
    markdown: Path | None = None

    def require_writable(self) -> None:
        """Refuse files that cannot be written, before anything is measured for them."""
        require_places(self.html, self.junit, self.markdown)

    def write(self, report: "Report") -> None:
        """Write those that were asked for."""
        from opsctl.checklist.junit import to_junit
        from opsctl.checklist.markdown import to_markdown
        from opsctl.ui.checklist_page import render_checklist_page

        write_reports(
            (self.html, lambda: render_checklist_page(report)),
            (self.junit, lambda: to_junit(report)),
            (self.markdown, lambda: to_markdown(report)),
        )


def judge(book: "ChecklistBook", *, only: frozenset[str] = frozenset()) -> "Report":
    """Judge the book by the ledger.

    Raises:
        FailedError: CHK101 the ledger does not verify.
    """
    from opsctl.checklist.judging import judge as judged
    from opsctl.cli import checklist_books, wiring
    from opsctl.cli.checklist_present import ProjectNow

    return judged(
        book,
        records=checklist_books.verified_records(),
        present=ProjectNow(wiring.settings()),
        now=wiring.clock().now(),
        only=only,
    )


def refresh(
    book: "ChecklistBook", report: "Report", *, within_seconds: float | None, listener: "Listener"
) -> None:
    """Make what is missing or stale, and say how that ended."""
    from opsctl.cli import checklist_refreshing
    from opsctl.ui.show_refresh import show_refreshed

    show_refreshed(
        checklist_refreshing.refresh(book, report, within_seconds=within_seconds, listener=listener)
    )


def record(report: "Report", *, book: "ChecklistBook", seconds: float) -> None:
    """Keep a run in the ledger."""
    from opsctl.checklist.evidence import run_evidence
    from opsctl.cli import checklist_books, wiring

    wiring.record(run_evidence(report, book_digest=checklist_books.book_digest(book), seconds=seconds))


def tell(report: "Report", *, of: int, files: Outputs, json: bool) -> None:
    """Write the files, and show the result; `of` is how many items the whole list has."""
    from opsctl.checklist.evidence import to_document
    from opsctl.cli.document import document
    from opsctl.core.exit_codes import ExitCode
    from opsctl.ui.console import print_document
    from opsctl.ui.show_checklist import show_report

    files.write(report)
    if json:
        data = to_document(report) | {"title": report.title, "commit": report.commit, "at": report.at}
        print_document(document("opsctl.checklist.run", data=data, ok=report.exit_code is ExitCode.GOOD))
    else:
        show_report(report, of=of)
