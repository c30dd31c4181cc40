"""Which arms do units keep although weights were moved: a memory in the database, for one experiment and version."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

_FIND = "select arm from experiment_kept_arms where experiment = %s and version = %s and unit_id = %s"
# Whoever keeps first is right, also where two workers see a unit at the same moment.
_KEEP = """
insert into experiment_kept_arms (experiment, version, unit_id, arm) values (%s, %s, %s, %s)
on conflict (experiment, version, unit_id) do update set arm = experiment_kept_arms.arm
returning arm
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

    def arm_of(self, unit: str) -> str | None:
        """Return the arm that a unit keeps."""
        row = self._connection.execute(_FIND, [self._experiment, self._version, unit]).fetchone()
        return str(row[0]) if row else None

    def keep(self, unit: str, arm: str) -> str:
        """Keep an arm, unless the unit has one, and return the one that it has."""
        row = self._connection.execute(_KEEP, [self._experiment, self._version, unit, arm]).fetchone()
        if row is None:
            raise AssertionError("an insert returns its row")
        return str(row[0])

    def keep_exposed(self) -> int:
        """Keep, of every unit that was exposed so far, the arm that it saw first, and return how many are new."""
        values = {"experiment": self._experiment, "version": self._version}
        return self._connection.execute(_KEEP_EXPOSED, values).rowcount
