"""How large are the tables, indexes included, and how many rows do they hold?"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

_CATALOGUE = ("vendors", "content", "outbox", "content_popularity")
_DECISIONS = "feed_decisions"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSizes:
    """Rows and bytes: of everything that grows with the items, and of the log of decisions."""

    items: int
    catalogue_bytes: int
    decisions: int
    decision_bytes: int


def read_sizes(connection: "psycopg.Connection[Any]") -> StoredSizes:
    """Return the sizes of now; a table that holds little takes whole pages all the same."""
    row = connection.execute(
        """
        select (select count(*) from content),
               (select sum(pg_total_relation_size(name::regclass)) from unnest(%s::text[]) as name)::bigint,
               (select count(*) from feed_decisions),
               pg_total_relation_size(%s::regclass)
        """,
        (list(_CATALOGUE), _DECISIONS),
    ).fetchone()
    items, catalogue, decisions, size = row or (0, 0, 0, 0)
    return StoredSizes(items=items, catalogue_bytes=catalogue, decisions=decisions, decision_bytes=size)
