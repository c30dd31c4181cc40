"""Where are the runs of drills kept, and what is written of one."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.core.errors import UsageError

if TYPE_CHECKING:
    from opsctl.chaos.journal import Journal


def keep(journal: "Journal") -> None:
    """Write a run down, instead of what was known of it before."""
    from opsctl.chaos.journal import write_journal

    write_journal(_runs() / f"{journal.run_id}.json", journal)


def read_run(run_id: str | None) -> "Journal":
    """Return the journal of a run, the newest without a name.

    Raises:
        UsageError: CHA064 there is none.
    """
    from opsctl.chaos.journal import read_journal

    known = sorted(_runs().glob("*.json"))
    wanted = [path for path in known if run_id is None or path.stem == run_id]
    if not wanted:
        names = ", ".join(f"`{path.stem}`" for path in known[-5:])
        raise UsageError(
            f"there is no run `{run_id}`" if run_id else "no drill was held yet",
            code="CHA064",
            fix=f"one of: {names}" if names else "hold some: opsctl chaos run --profile ci",
        )
    return read_journal(wanted[-1])


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
    from opsctl.clients.files import write_atomically
    from opsctl.ui.chaos_page import render_chaos_page

    for path, render in ((html, render_chaos_page), (junit, to_junit), (markdown, to_markdown)):
        if path is not None:
            write_atomically(path, render(journal))


def write_catalogue(path: Path) -> None:
    """Write the catalogue of faults with what was measured of each when its drill was last held, in whichever run."""
    from opsctl.chaos.catalogue import catalogue_table
    from opsctl.chaos.journal import read_journal
    from opsctl.clients.files import write_atomically

    newest = {
        entry.report.drill: entry
        for run in sorted(_runs().glob("*.json"))
        for entry in read_journal(run).entries
    }
    write_atomically(path, catalogue_table(tuple(newest.values())))


def _runs() -> Path:
    from opsctl.cli import wiring

    return Path(wiring.settings().home / "chaos" / "runs")
