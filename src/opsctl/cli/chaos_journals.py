"""Where are the runs of drills kept, and what is written of one."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.cli.report_files import write_reports
from opsctl.cli.run_journals import chosen_run, kept_runs

if TYPE_CHECKING:
    from opsctl.chaos.journal import Journal


def keep(journal: "Journal") -> None:
    """Write a run down, instead of what was known of it before."""
    from opsctl.chaos.journal import write_journal

    write_journal(runs_folder() / f"{journal.run_id}.json", journal)


def read_run(run_id: str | None) -> "Journal":
    """Return the journal of a run, the newest without a name.

    Raises:
        UsageError: CHA064 there is none.
    """
    from opsctl.chaos.journal import read_journal

    path = chosen_run(
        runs_folder(),
        run_id,
        code="CHA064",
        none_yet="no drill was held yet",
        begin="opsctl chaos run --profile ci",
    )
    return read_journal(path)


def document_of(journal: "Journal") -> Any:
    """Return a journal as values for a document."""
    import json

    from opsctl.chaos.journal import to_json

    return json.loads(to_json(journal))


def write_outputs(
    journal: "Journal", *, html: Path | None, junit: Path | None, markdown: Path | None
) -> None:
    """Write the files that were asked for."""
    from opsctl.chaos.junit import to_junit
    from opsctl.chaos.markdown import to_markdown
    from opsctl.ui.chaos_page import render_chaos_page

    write_reports(
        (html, lambda: render_chaos_page(journal)),
        (junit, lambda: to_junit(journal)),
        (markdown, lambda: to_markdown(journal)),
    )


def write_catalogue(path: Path) -> None:
    """Write the catalogue of faults with what was measured of each when its drill was last held, in whichever run."""
    from opsctl.chaos.catalogue import catalogue_table
    from opsctl.chaos.journal import read_journal
    from opsctl.clients.files import write_atomically

    newest = {
        entry.report.drill: entry for run in kept_runs(runs_folder()) for entry in read_journal(run).entries
    }
    write_atomically(path, catalogue_table(tuple(newest.values())))


def runs_folder() -> Path:
    """Return where journals of drills are kept."""
    from opsctl.cli import wiring

    return wiring.settings().home / "chaos" / "runs"
