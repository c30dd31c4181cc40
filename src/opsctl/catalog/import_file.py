"""How does a file get into the database exactly once, however often the import is killed and started again."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.catalog.batches import batches_of, told_phase
from opsctl.catalog.judge import Judged, judge_rows
from opsctl.catalog.mapping import MappingBook
from opsctl.catalog.read_rows import RowReader, open_rows
from opsctl.catalog.rows import BadRow, empty_file
from opsctl.clients.files import append_durably
from opsctl.core.errors import FailedError, UsageError
from opsctl.core.events import Listener, Noted
from opsctl.core.findings import Finding, Severity
from opsctl.store.content import UpsertCounts, upsert_items
from opsctl.store.imports import ImportProgress, advance_import, begin_import, finish_import
from opsctl.store.items import NewItem

if TYPE_CHECKING:
    import psycopg

ROWS_IN_A_BATCH = 2000
_REJECTS_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import did; `rejects` are the first bad rows, all of them stand in the file `rejects_path`."""

    file: str
    source: str
    rows: int
    rejected: int
    counts: UpsertCounts = field(default_factory=UpsertCounts)
    rejects: tuple[BadRow, ...] = ()
    rejects_path: Path | None = None
    resumed_at_row: int = 0
    was_imported_before: bool = False
    is_dry_run: bool = False

    @property
    def reject_share(self) -> float:
        """Return the share of rows that were rejected."""
        return self.rejected / self.rows if self.rows else 0.0


def parse_share(text: str) -> float:
    """Return the share that a text names.

    >>> parse_share("5%"), parse_share("0.05")
    (0.05, 0.05)

    Raises:
        UsageError: CAT007 when it is no share between 0 and 1.
    """
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise UsageError(f"`{text}` is not a share", code="CAT007", fix="write it as `5%` or `0.05`")
    return share


def check_file(path: Path, *, mapping: MappingBook, listener: Listener) -> ImportReport:
    """Read and judge every row as an import does, and write nothing."""
    report = ImportReport(file=path.name, source=mapping.source, rows=0, rejected=0, is_dry_run=True)
    with told_phase(listener, subject=path.name, phase="check") as advance:
        for batch in _batches(_open(path, mapping=mapping), mapping=mapping):
            report = _with_batch(report, batch, rejects_path=None)
            advance(len(batch))
    return report


def rejects_verdict(report: ImportReport, *, max_share: float) -> Finding | None:
    """Return what is wrong when more rows were rejected than allowed; the good ones are imported all the same."""
    if report.reject_share <= max_share:
        return None
    where = f"; all of them stand in {report.rejects_path}" if report.rejects_path else ""
    return Finding(
        code="CAT008",
        severity=Severity.ERROR,
        title=f"{report.rejected:,} of {report.rows:,} rows were rejected ({report.reject_share:.1%}); "
        f"--max-rejects allows {max_share:.1%}",
        evidence=f"the good rows were kept{where}" if not report.is_dry_run else None,
        fix="mend the file or the mapping and run the same command again",
    )


def import_file(
    path: Path,
    *,
    mapping: MappingBook,
    connection: "psycopg.Connection[Any]",
    rejects_path: Path,
    listener: Listener,
    again: bool = False,
) -> ImportReport:
    """Bring the rows of a file into the database, from where an earlier, broken import of it stopped.

    The rows before that place are read and judged again, which makes the rejects file whole, but not written.

    Raises:
        UsageError: when the file as a whole cannot be used; nothing was changed then.
        RefusedError: CAT006 when the same file is being imported by somebody else.
        FailedError: CAT011 when the file changes while it is read.
    """
    identity = _identity(path)
    reader = _open(path, mapping=mapping)
    progress = begin_import(
        connection,
        source=mapping.source,
        file_name=path.name,
        file_digest=_digest(path),
        mapping_digest=mapping.digest,
        again=again,
    )
    report = ImportReport(file=path.name, source=mapping.source, rows=0, rejected=0)
    if progress.is_finished:
        kept = rejects_path if rejects_path.is_file() else None
        return replace(
            report,
            rows=progress.rows_done,
            rejected=progress.rejected_count,
            rejects_path=kept,
            was_imported_before=True,
        )
    if progress.rows_done:
        message = f"going on after row {progress.rows_done:,}, where an earlier import stopped"
        listener(Noted(subject=path.name, message=message))
    rejects_path.unlink(missing_ok=True)
    report = replace(report, resumed_at_row=progress.rows_done)
    with told_phase(listener, subject=path.name, phase="import") as advance:
        for batch in _batches(reader, mapping=mapping):
            _require_unchanged(path, identity)
            report = _with_batch(report, batch, rejects_path=rejects_path)
            report = _written(report, batch, connection=connection, progress=progress)
            advance(len(batch))
    _require_unchanged(path, identity)
    with connection.transaction():
        finish_import(connection, import_id=progress.id)
    return report


def _open(path: Path, *, mapping: MappingBook) -> RowReader:
    reader = open_rows(path, mapping=mapping)
    if next(iter(reader.rows()), None) is None:
        raise empty_file(path, why="there is a header and nothing else")
    return reader


def _batches(reader: RowReader, *, mapping: MappingBook) -> Iterator[tuple[Judged, ...]]:
    return batches_of(judge_rows(reader, mapping=mapping), size=ROWS_IN_A_BATCH)


def _with_batch(
    report: ImportReport, batch: tuple[Judged, ...], *, rejects_path: Path | None
) -> ImportReport:
    """Count a batch, and add its bad rows to the rejects file."""
    bad = [judged for judged in batch if isinstance(judged, BadRow)]
    if bad and rejects_path is not None:
        append_durably(rejects_path, b"".join(_reject_line(row) for row in bad))
    return replace(
        report,
        rows=report.rows + len(batch),
        rejected=report.rejected + len(bad),
        rejects=(*report.rejects, *bad)[:_REJECTS_SHOWN],
        rejects_path=rejects_path if report.rejected + len(bad) else None,
    )


def _written(
    report: ImportReport,
    batch: tuple[Judged, ...],
    *,
    connection: "psycopg.Connection[Any]",
    progress: ImportProgress,
) -> ImportReport:
    """Write the rows of a batch that no earlier run has written, and move the record in the same transaction."""
    first_row = report.rows - len(batch)
    if report.rows <= progress.rows_done:
        return report
    fresh = batch[max(0, progress.rows_done - first_row) :]
    items = [judged for judged in fresh if isinstance(judged, NewItem)]
    with connection.transaction():
        counts = upsert_items(connection, items, source=report.source)
        advance_import(
            connection,
            import_id=progress.id,
            expected=max(first_row, progress.rows_done),
            rows_done=report.rows,
            rejected=report.rejected,
        )
    return replace(report, counts=report.counts + counts)


def _reject_line(row: BadRow) -> bytes:
    return json.dumps({"line": row.line, "reason": row.reason, "seen": row.seen}).encode() + b"\n"


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _identity(path: Path) -> tuple[int, int, int, int] | None:
    """Return what changes with the file's content, or nothing where there is no file: opening it says so."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _require_unchanged(path: Path, identity: tuple[int, int, int, int] | None) -> None:
    """Refuse to go on with another content than the one whose digest the import stands under."""
    if _identity(path) != identity:
        raise FailedError(
            f"`{path}` changed while it was read",
            code="CAT011",
            why="somebody replaced, cut or is still writing it; rows read after that were not written",
            fix="wait until the file is complete, then run the same command again",
        )
