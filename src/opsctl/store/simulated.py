"""How do simulated readers get into the database: in bulk, marked as simulated, never into a real reader's history."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

_INCOMING = """
create temporary table incoming_readers (user_id bigint, region text) on commit drop;
create temporary table incoming_deeds (
    user_id bigint, number integer, content_id bigint, kind text, occurred_at double precision
) on commit drop;
create temporary table incoming_answers (
    user_id bigint, question text, answer smallint, answered_at double precision
) on commit drop
"""
_WRITE_READERS = """
insert into users (id, handle, region, attributes)
select user_id, 'simulated ' || user_id, nullif(region, ''), '{"simulated": true}' from incoming_readers
order by user_id on conflict do nothing
"""
# An id that a real reader has already stays that reader's: nothing is added to its history.
_WRITE_DEEDS = """
insert into interactions (idempotency_key, kind, user_id, content_id, occurred_at)
select 'simulated ' || %s || ' ' || user_id || ' ' || number, kind, user_id, content_id, to_timestamp(occurred_at)
from incoming_deeds
where exists (select from users where users.id = user_id and users.attributes @> '{"simulated": true}')
    and exists (select from content where content.id = content_id)
order by user_id, number on conflict do nothing
"""
# A reader who has answered a question is not asked again.
_WRITE_ANSWERS = """
insert into survey_answers (user_id, question, answer, answered_at, is_simulated)
select user_id, question, answer, to_timestamp(answered_at), true from incoming_answers
where exists (select from users where users.id = user_id and users.attributes @> '{"simulated": true}')
    and not exists (
        select from survey_answers
        where survey_answers.user_id = incoming_answers.user_id and survey_answers.question = incoming_answers.question
    )
order by user_id, question on conflict do nothing
"""
_ITEMS = """
select id, region, category, quality::float8 from content where status = 'published' order by id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderRow:
    """A simulated reader, what it did: (item, kind, when), in the order in which it is numbered, and what it said."""

    user_id: int
    region: str
    deeds: Sequence[tuple[int, str, datetime]]
    answers: Sequence[tuple[str, int, datetime]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedCounts:
    """What was new in the database."""

    readers: int = 0
    interactions: int = 0

    def __add__(self, other: "SimulatedCounts") -> "SimulatedCounts":
        return SimulatedCounts(
            readers=self.readers + other.readers, interactions=self.interactions + other.interactions
        )


def published_items(connection: "psycopg.Connection[Any]") -> list[tuple[int, str, str, float]]:
    """Return id, region, category and quality of every published item."""
    return connection.execute(_ITEMS).fetchall()


def write_simulated(
    connection: "psycopg.Connection[Any]", readers: Iterable[ReaderRow], *, seed: int
) -> SimulatedCounts:
    """Add readers and their interactions in one transaction; those that are there already stay as they are."""
    chosen = list(readers)
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(_INCOMING)
        with cursor.copy("copy incoming_readers from stdin") as copy:
            for reader in chosen:
                copy.write_row((reader.user_id, reader.region))
        with cursor.copy("copy incoming_deeds from stdin") as copy:
            for reader in chosen:
                for number, (content_id, kind, at) in enumerate(reader.deeds):
                    copy.write_row((reader.user_id, number, content_id, kind, at.timestamp()))
        with cursor.copy("copy incoming_answers from stdin") as copy:
            for reader in chosen:
                for question, answer, at in reader.answers:
                    copy.write_row((reader.user_id, question, answer, at.timestamp()))
        new_readers = cursor.execute(_WRITE_READERS).rowcount
        new_interactions = cursor.execute(_WRITE_DEEDS, [str(seed)]).rowcount
        cursor.execute(_WRITE_ANSWERS)
        cursor.execute("drop table incoming_readers, incoming_deeds, incoming_answers")
    return SimulatedCounts(readers=new_readers, interactions=new_interactions)
