"""With what does `checklist run --refresh` work: its commands as processes, its journal, and how long things took before."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.core.errors import RefusedError, UsageError

if TYPE_CHECKING:
    from opsctl.checklist.book import ChecklistBook
    from opsctl.checklist.model import Report
    from opsctl.checklist.refresh.journal import RefreshJournal
    from opsctl.checklist.refresh.plan import Planned, RefreshPlan
    from opsctl.checklist.refresh.run import Ran
    from opsctl.core.events import Listener

_WEIGHT_OF_NOW = 0.5
"""How much the newest time of a command counts against the ones before it."""


def plan(book: "ChecklistBook", report: "Report") -> "RefreshPlan":
    """Return what has to run for a report."""
    from opsctl.checklist.refresh.plan import plan_refresh
    from opsctl.cli import checklist_books, wiring

    project = wiring.settings().project
    return plan_refresh(
        book,
        report,
        records=checklist_books.verified_records(),
        took=_took(),
        is_embedded=project.qdrant.url is None and project.database.url is None,
    )


def refresh(
    book: "ChecklistBook", report: "Report", *, within_seconds: float | None, listener: "Listener"
) -> "RefreshJournal":
    """Make what is missing and stale, and return how each command ended.

    Raises:
        RefusedError: CHK108 another refresh is at work.
    """
    from dataclasses import replace

    from opsctl.checklist.refresh.run import Ways, run_refresh
    from opsctl.cli import wiring
    from opsctl.cli.ending import ends_as_by_ctrl_c

    with _alone(), ends_as_by_ctrl_c():
        journal = _begun(book, listener=listener)
        ways = Ways(runner=_Processes(), keep=_keep, clock=wiring.clock(), listener=listener)
        journal = run_refresh(plan(book, report), journal, ways=ways, within_seconds=within_seconds)
        journal = replace(journal, is_over=True)
        _keep(journal)
        _note_times(journal)
    return journal


@contextmanager
def _alone() -> Iterator[None]:
    """Let no second refresh begin."""
    from opsctl.clients.file_locks import FileLock
    from opsctl.core.errors import RefusedError as LockRefused

    lock = FileLock(_home() / "lock", what="refreshing the checklist")
    try:
        lock.__enter__()
    except LockRefused as error:
        raise RefusedError(
            "another refresh of this checklist is at work", code="CHK108", why=error.message, fix=error.fix
        ) from error
    try:
        yield
    finally:
        lock.__exit__(None, None, None)


def _begun(book: "ChecklistBook", *, listener: "Listener") -> "RefreshJournal":
    """Return the journal of this refresh: that of the one that was killed, where it goes on."""
    from opsctl.checklist.refresh.journal import RefreshJournal, from_text
    from opsctl.cli import checklist_books, wiring
    from opsctl.clients.files import read_text
    from opsctl.clients.git import read_state
    from opsctl.clients.procfs import boot_id_now
    from opsctl.config.documents import NotKeptError
    from opsctl.core.events import Noted

    fresh = RefreshJournal(
        started_at=wiring.clock().now(),
        boot=boot_id_now(),
        commit=read_state(wiring.settings().root),
        book=checklist_books.book_digest(book),
    )
    path = _journal_path()
    if not path.is_file():
        return fresh
    try:
        before = from_text(read_text(path))
    except (NotKeptError, UsageError):  # no journal, or not even text, as after a disk that was full
        aside = path.with_suffix(".unreadable")
        path.replace(aside)
        listener(
            Noted(
                subject="checklist", message=f"the journal cannot be read and lies in `{aside}` now (CHK109)"
            )
        )
        return fresh
    if not before.is_gone_on_by(fresh):
        return fresh
    listener(Noted(subject="checklist", message=f"the refresh of {before.started_at:%H:%M} UTC goes on"))
    return before


class _Processes:
    """Runs each command as a process of its own (`checklist.refresh.run.Runner`)."""

    def run(self, command: "Planned", *, limit_seconds: float) -> "Ran":
        """Run it to its end, or end it after its limit."""
        from opsctl.checklist.refresh.run import Ran
        from opsctl.cli import wiring
        from opsctl.clients.files import write_atomically
        from opsctl.clients.limited import run_limited

        root, log = wiring.settings().root, _home() / "logs" / f"{command.name}.log"
        write_atomically(log, f"$ opsctl {' '.join(command.argv)}\n")
        ended = run_limited(
            [sys.executable, "-m", "opsctl", "--project", str(root), *command.argv],
            folder=root,
            environment={**os.environ, "NO_COLOR": "1", "COLUMNS": "100", "OPSCTL_COLOR": "never"},
            log_path=log,
            limit_seconds=limit_seconds,
        )
        return Ran(exit_code=ended.exit_code, seconds=ended.seconds, log=str(log))


def _keep(journal: "RefreshJournal") -> None:
    from opsctl.checklist.refresh.journal import to_text
    from opsctl.clients.files import write_atomically

    write_atomically(_journal_path(), to_text(journal))


def _took() -> Mapping[str, float]:
    """Return how many seconds each command took before; nothing where that cannot be read."""
    import json
    import math

    from opsctl.clients.files import read_text

    path = _home() / "times.json"
    if not path.is_file():
        return {}
    try:
        found = {str(name): float(seconds) for name, seconds in json.loads(read_text(path)).items()}
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError, UsageError):
        return {}
    return {name: seconds for name, seconds in found.items() if math.isfinite(seconds) and seconds >= 0}


def _note_times(journal: "RefreshJournal") -> None:
    import json

    from opsctl.clients.files import write_atomically

    times = dict(_took())
    for done in journal.done:
        if done.ran:
            before = times.get(done.name, done.seconds)
            times[done.name] = round(before + _WEIGHT_OF_NOW * (done.seconds - before), 1)
    write_atomically(_home() / "times.json", json.dumps(times, indent=2, sort_keys=True) + "\n")


def _journal_path() -> Path:
    return _home() / "refresh.json"


def _home() -> Path:
    from opsctl.cli import wiring

    return wiring.settings().home / "checklist"
