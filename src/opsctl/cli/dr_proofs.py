"""What is looked at before a restore counts: golden queries, derived collections, the structure of the database."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.core.findings import Finding, Severity

if TYPE_CHECKING:
    from opsctl.clients.postgres import DatabaseAddress
    from opsctl.clients.postgres_programs import PostgresPrograms
    from opsctl.clients.qdrant import QdrantStore
    from opsctl.core.events import Listener
    from opsctl.dr.manifest import BackupManifest
    from opsctl.dr.restore import Outcome

Figures = dict[str, str | int | float]
_RETRY_SECONDS = 60.0


def golden_outcome(manifest: "BackupManifest", *, store: "QdrantStore") -> "Outcome":
    """Ask again what was asked when the snapshots were taken; a snapshot that was written to meanwhile may differ."""
    from opsctl.dr.restore import Outcome
    from opsctl.dr.vectors.golden import check_golden

    quiet = {each.collection for each in manifest.vectors if each.is_quiet}
    queries = [query for query in manifest.golden if query.collection in quiet]
    checked = check_golden(queries, store=store)
    outcome = Outcome(figures={"golden queries": checked.queries, "recall": round(checked.recall, 4)})
    if not checked.holds:
        outcome.doubts.append(
            Finding(
                code="DRC064",
                severity=Severity.ERROR,
                title="searches do not find what they found when the snapshots were taken",
                evidence=f"recall {checked.recall:.4f}, of the worst query {checked.worst_recall:.4f}, scores differ by "
                f"up to {checked.worst_score_difference:.2g}",
                fix="restore from another backup: opsctl dr list; or build the vectors anew: opsctl dr restore --vectors truth",
            )
        )
    return outcome


def mend_derived(aliases: Mapping[str, str], *, store: "QdrantStore") -> Figures:
    """Bring each derived collection level with the source, whatever its snapshot held."""
    from opsctl.cli import wiring
    from opsctl.qdrant_collections.difference import Comparison, Sides
    from opsctl.qdrant_collections.mend import mend
    from opsctl.service.plan import load_collections_book

    book, clock = load_collections_book(wiring.settings()), wiring.clock()
    written = deleted = 0
    for alias in sorted(book.derived.keys() & aliases.keys()):
        sides = Sides(source=book.source.collection, target=aliases[alias], filter=book.derived[alias].filter)
        for mended in mend(sides, store=store, clock=clock, seen=Comparison(), retry_seconds=_RETRY_SECONDS):
            written += mended.written
            deleted += mended.deleted
    return {
        "derived": len(book.derived.keys() & aliases.keys()),
        "written": written,
        "removed": deleted,
    }


def rebuild_derived(home: Path, *, store: "QdrantStore", listener: "Listener") -> Figures:
    """Build every derived collection that there was, from the source: without snapshots there is nothing to mend."""
    from opsctl.cli import wiring
    from opsctl.qdrant_collections.checkpoint import Checkpoints
    from opsctl.qdrant_collections.options import RebuildOptions
    from opsctl.qdrant_collections.phases import Surroundings
    from opsctl.qdrant_collections.rebuild import rebuild
    from opsctl.service.plan import load_collections_book

    book = load_collections_book(wiring.settings())
    here = Surroundings(
        store=store,
        checkpoints=Checkpoints(home / "collections"),
        clock=wiring.clock(),
        listener=listener,
    )
    # Nobody searches here yet, so there is nothing to watch after the swap.
    options = RebuildOptions(allow_empty=True, watch_seconds=0.0)
    reports = [rebuild(alias, book=book, here=here, options=options) for alias in sorted(book.derived)]
    return {"derived": sum(report.ok for report in reports), "built from": "the source"}


def database_outcome(
    address: "DatabaseAddress",
    *,
    programs: "PostgresPrograms",
    manifest: "BackupManifest",
) -> "Outcome":
    """Look at every table and index with PostgreSQL's own checker, and at the migrations that the backup says."""
    from opsctl.clients.postgres import connect
    from opsctl.dr.postgres.inspect import check_structure
    from opsctl.dr.restore import Outcome
    from opsctl.store.migrate import applied_migrations

    check_structure(address, programs=programs)
    with connect(address) as connection:
        applied = applied_migrations(connection)
    gone = sorted(set(manifest.migrations) - set(applied))
    outcome = Outcome(figures={"migrations": len(applied), "structure": "whole"})
    if gone:
        outcome.doubts.append(
            Finding(
                code="DRC065",
                severity=Severity.ERROR,
                title=f"the restored database lacks {len(gone)} migrations that the backup had",
                evidence=", ".join(gone),
                fix="restore to a later point: opsctl dr restore --to latest",
            )
        )
    return outcome
