"""Units of an experiment by arm, each once: those in several arms apart, and nothing from before or after it."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random

import pytest

from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.store.experiment_splits import UnitSplit, are_experiments_kept, read_split

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
NUMBERS = count()


def split(database: DatabaseAddress, *exposures: tuple[str, str, timedelta]) -> UnitSplit:
    """Write exposures as (unit, arm, time since the start), and return how `agents` is split within a day."""
    with connect(database) as connection:
        for unit, arm, after in exposures:
            connection.execute(
                "insert into experiment_exposures (idempotency_key, experiment, unit_id, variant, exposed_at)"
                " values (%s, 'agents', %s, %s, %s)",
                [f"e{next(NUMBERS)}", unit, arm, BEGAN + after],
            )
        return read_split(
            connection, "agents", arms=["control", "changed"], since=BEGAN, until=BEGAN + 24 * HOUR
        )


def test_a_unit_counts_once_and_one_in_several_arms_counts_for_none(database: DatabaseAddress):
    """However often each was seen; an arm that nobody saw has 0."""
    found = split(
        database,
        ("1", "control", HOUR),
        ("1", "control", 2 * HOUR),
        ("2", "control", HOUR),
        ("2", "changed", HOUR),
    )

    assert found == UnitSplit(units={"control": 1, "changed": 0}, in_several_arms=1)


def test_exposures_before_the_start_and_from_the_end_on_do_not_count(database: DatabaseAddress):
    """To the microsecond, as in an analysis."""
    tick = timedelta(microseconds=1)
    found = split(
        database,
        ("1", "control", -tick),
        ("2", "control", 0 * HOUR),
        ("3", "changed", 24 * HOUR - tick),
        ("4", "changed", 24 * HOUR),
    )

    assert found.units == {"control": 1, "changed": 1}


def test_arms_that_nobody_knows_are_one(database: DatabaseAddress):
    """Whatever the table holds, there are no more figures than arms."""
    strange = [(str(number), f"strange{number}", HOUR) for number in range(50)]
    found = split(database, *strange, ("0", "other", HOUR), ("1", "control", HOUR), ("x", "control", HOUR))

    assert found == UnitSplit(units={"control": 1, "changed": 0}, in_unknown_arms=49, in_several_arms=1)


def test_counts_are_those_of_counting_by_hand(database: DatabaseAddress):
    """On exposures drawn by chance."""
    random = Random(8)
    drawn = [
        (str(random.randrange(60)), random.choice(["control", "changed", "x"]), HOUR) for _ in range(120)
    ]
    seen: dict[str, set[str]] = {}
    for unit, arm, _ in drawn:
        seen.setdefault(unit, set()).add(arm)
    counted = Counter(next(iter(arms)) if len(arms) == 1 else "several" for arms in seen.values())

    found = split(database, *drawn)

    assert counted["several"] > 5
    assert found.units == {arm: counted[arm] for arm in ("control", "changed")}
    assert (found.in_unknown_arms, found.in_several_arms) == (counted["x"], counted["several"])


@pytest.mark.parametrize("table", ["experiments", "experiment_exposures"])
def test_an_older_schema_keeps_no_experiments(database: DatabaseAddress, table: str):
    """Neither table alone is enough."""
    with connect(database) as connection:
        assert are_experiments_kept(connection)
        connection.execute(f"alter table {table} rename to gone")
        assert not are_experiments_kept(connection)
