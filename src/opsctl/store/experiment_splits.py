"""How many units saw which arm of an experiment, each unit once: those that saw several arms are counted apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

_IS_KEPT = "select to_regclass('experiments') is not null and to_regclass('experiment_exposures') is not null"
# An arm that nobody knows is '', so that there are never more rows than arms, whatever stands in the table.
_SPLIT = """
select low, low <> high, count(*) from (
    select min(arm) as low, max(arm) as high from (
        select unit_id, case when variant = any(%(arms)s) then variant else '' end collate "C" as arm
        from experiment_exposures
        where experiment = %(name)s and exposed_at >= %(since)s and exposed_at < %(until)s
    ) as exposures group by unit_id
) as units group by low, low <> high
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitSplit:
    """The units of one experiment.

    Args:
        units: by arm, every arm that was asked for; units in several arms are left out.
        in_unknown_arms: units that saw only arms that were not asked for.
        in_several_arms: units that saw more than one.
    """

    units: Mapping[str, int] = field(default_factory=dict)
    in_unknown_arms: int = 0
    in_several_arms: int = 0


def are_experiments_kept(connection: "psycopg.Connection[Any]") -> bool:
    """Tell whether this database has the tables of experiments; an older schema does not."""
    row = connection.execute(_IS_KEPT).fetchone()
    return bool(row and row[0])


def read_split(
    connection: "psycopg.Connection[Any]",
    name: str,
    *,
    arms: Sequence[str],
    since: datetime,
    until: datetime,
) -> UnitSplit:
    """Return who saw what of an experiment, from a moment on and before another one."""
    values = {"name": name, "arms": list(arms), "since": since, "until": until}
    rows = connection.execute(_SPLIT, values).fetchall()
    alone = {arm: count for arm, is_several, count in rows if not is_several}
    return UnitSplit(
        units={arm: alone.get(arm, 0) for arm in arms},
        in_unknown_arms=alone.get("", 0),
        in_several_arms=sum(count for _, is_several, count in rows if is_several),
    )
