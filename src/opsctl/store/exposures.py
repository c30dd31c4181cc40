"""Who saw which arm of which experiment: written so that a repeated report counts once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

_INSERT = """
insert into experiment_exposures (idempotency_key, experiment, unit_id, variant, exposed_at, attributes)
select key, experiment, unit_id, variant, exposed_at, attributes
from jsonb_to_recordset(%s) as each (key text, experiment text, unit_id text, variant text, exposed_at timestamptz,
    attributes jsonb)
on conflict (idempotency_key) do nothing
"""


_LEAKS = """
select count(*) from feed_decisions as decided
where exists (
    select from unnest(string_to_array(decided.learner, '+')) as part where starts_with(part, %(experiment)s || '/')
) and exists (
    select from experiment_exposures as seen
    where seen.experiment = %(experiment)s and seen.unit_id = decided.user_id::text
        and seen.exposed_at <= decided.decided_at
        and %(experiment)s || '/' || seen.variant <> all (string_to_array(decided.learner, '+'))
)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """One reader saw one arm; `attributes` are texts by which analysis may divide, such as the segment."""

    experiment: str
    unit_id: str
    variant: str
    exposed_at: datetime
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Return the same for every exposure of this reader to this arm on this day (UTC)."""
        day = self.exposed_at.astimezone(UTC).date().isoformat()
        return f"{self.experiment}/{self.variant}/{day}/{self.unit_id}"


async def insert_exposures(connection: "psycopg.AsyncConnection[Any]", batch: Sequence[Exposure]) -> int:
    """Write exposures in one transaction and return how many are new."""
    from psycopg.types.json import Jsonb

    if not batch:
        return 0
    documents = [
        {
            "key": each.key,
            "experiment": each.experiment,
            "unit_id": each.unit_id,
            "variant": each.variant,
            "exposed_at": each.exposed_at.isoformat(),
            "attributes": dict(each.attributes),
        }
        for each in batch
    ]
    return (await connection.execute(_INSERT, [Jsonb(documents)])).rowcount


def leaked_decisions(connection: "psycopg.Connection[Any]", experiment: str) -> int:
    """Return how many decisions teach the learner of an arm that is not their reader's; decisions are kept for a month."""
    row = connection.execute(_LEAKS, {"experiment": experiment}).fetchone()
    return int(row[0]) if row else 0
