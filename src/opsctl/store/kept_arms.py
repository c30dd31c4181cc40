"""Which arms do units keep although weights were moved: a memory in the database, for one experiment and version."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

# In the order of units, so that two who keep the same ones never wait for each other in a circle.
_KEEP = """
insert into experiment_kept_arms (experiment, version, unit_id, arm)
select %(experiment)s, %(version)s, unit_id, arm
from unnest(%(units)s::text[], %(arms)s::text[]) as fresh (unit_id, arm) order by unit_id
on conflict (experiment, version, unit_id) do nothing
"""
_FIND = """
select unit_id, arm from experiment_kept_arms
where experiment = %(experiment)s and version = %(version)s and unit_id = any(%(units)s)
"""
_KEEP_EXPOSED = """
insert into experiment_kept_arms (experiment, version, unit_id, arm)
select distinct on (unit_id) experiment, %(version)s, unit_id, variant from experiment_exposures
where experiment = %(experiment)s order by unit_id, exposed_at, id
on conflict (experiment, version, unit_id) do nothing
"""


class KeptInDatabase:
    """The arms that the units of one experiment keep, under one version; another version knows nothing of them."""

    def __init__(self, connection: "psycopg.Connection[Any]", *, experiment: str, version: int) -> None:
        self._connection = connection
        self._experiment = experiment
        self._version = version

    def keep(self, arms: Mapping[str, str]) -> Mapping[str, str]:
        """Keep the arms of units that have none, and return those that all of them have."""
        values = {"experiment": self._experiment, "version": self._version, "units": list(arms)}
        self._connection.execute(_KEEP, values | {"arms": list(arms.values())})
        return dict(self._connection.execute(_FIND, values).fetchall())

    def keep_exposed(self) -> int:
        """Keep, of every unit that was exposed so far, the arm that it saw first, and return how many are new."""
        values = {"experiment": self._experiment, "version": self._version}
        return self._connection.execute(_KEEP_EXPOSED, values).rowcount
