"""How do simulated readers get into the database: in batches, the same readers never twice."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from opsctl.catalog.batches import batches_of, told_phase
from opsctl.catalog.readers import CatalogueItem, SimulatedReader, generate_readers
from opsctl.catalog.survey import survey_answers
from opsctl.core.errors import NotReadyError
from opsctl.core.events import Listener
from opsctl.store.simulated import ReaderRow, SimulatedCounts, published_items, write_simulated

if TYPE_CHECKING:
    import psycopg

_READERS_IN_A_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadersPreview:
    """What a seed would give: readers, those among them who did nothing yet, and interactions by kind."""

    readers: int
    cold: int
    kinds: dict[str, int]


def store_readers(
    connection: "psycopg.Connection[Any]", *, users: int, seed: int, now: datetime, listener: Listener
) -> SimulatedCounts:
    """Make the readers of a seed over the catalogue that is there, and add those that are new.

    Raises:
        NotReadyError: CAT012 when the catalogue is empty.
    """
    counts = SimulatedCounts()
    readers = generate_readers(_read_catalogue(connection), users=users, seed=seed, now=now)
    with told_phase(
        listener, subject="simulated readers", phase="generate", total=users, unit="readers"
    ) as advance:
        for batch in batches_of(readers, size=_READERS_IN_A_BATCH):
            rows = [_row(reader, seed=seed, now=now) for reader in batch]
            counts += write_simulated(connection, rows, seed=seed)
            advance(len(batch))
    return counts


def preview_readers(
    connection: "psycopg.Connection[Any]", *, users: int, seed: int, now: datetime
) -> ReadersPreview:
    """Make the readers of a seed and only count what they would do.

    Raises:
        NotReadyError: CAT012 when the catalogue is empty.
    """
    kinds: Counter[str] = Counter()
    cold = 0
    for reader in generate_readers(_read_catalogue(connection), users=users, seed=seed, now=now):
        kinds.update(deed.kind for deed in reader.deeds)
        cold += not reader.deeds
    return ReadersPreview(readers=users, cold=cold, kinds=dict(kinds.most_common()))


def _read_catalogue(connection: "psycopg.Connection[Any]") -> list[CatalogueItem]:
    with connection.transaction():
        rows = published_items(connection)
    if not rows:
        raise NotReadyError(
            "the catalogue is empty, so there is nothing to read",
            code="CAT012",
            fix="run `opsctl catalog generate` or `opsctl catalog import` first",
        )
    return [CatalogueItem(id=row[0], region=row[1], category=row[2], quality=row[3]) for row in rows]


def _row(reader: SimulatedReader, *, seed: int, now: datetime) -> ReaderRow:
    deeds = [(deed.content_id, deed.kind, deed.occurred_at) for deed in reader.deeds]
    answers = survey_answers(reader, seed=seed, now=now)
    return ReaderRow(user_id=reader.user_id, region=reader.region, deeds=deeds, answers=answers)
