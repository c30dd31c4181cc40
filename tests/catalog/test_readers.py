"""Simulated readers are the same for a seed, look like readers, and never touch a real one's history."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.cli.command import run_opsctl

from opsctl.catalog.readers import PERIOD, CatalogueItem, generate_readers
from opsctl.catalog.store_readers import store_readers
from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.core.events import ignore
from opsctl.store.simulated import SimulatedCounts

_NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
_ITEMS = [
    CatalogueItem(
        id=number, region=("AU", "NZ")[number % 3 == 0], category="abcde"[number % 5], quality=number / 400
    )
    for number in range(1, 401)
]


def test_a_reader_of_a_seed_is_the_same_whatever_the_number_of_others() -> None:
    """The order in which the items come does not matter either; another seed gives others."""
    few = list(generate_readers(_ITEMS, users=20, seed=7, now=_NOW))
    many = list(generate_readers(_ITEMS[::-1], users=50, seed=7, now=_NOW))
    others = list(generate_readers(_ITEMS, users=20, seed=8, now=_NOW))

    assert few == many[:20]
    assert few != others
    assert [reader.user_id for reader in few] == list(range(1, 21))


def test_readers_look_like_readers() -> None:
    """Most look, fewer click, few save; some are cold and a few do most; they stay at home; the good is liked more."""
    readers = list(generate_readers(_ITEMS, users=600, seed=7, now=_NOW))
    region_of = {item.id: item.region for item in _ITEMS}
    deeds = [(reader, deed) for reader in readers for deed in reader.deeds]
    kinds = Counter(deed.kind for _, deed in deeds)
    counts = sorted(len(reader.deeds) for reader in readers)
    clicked = [deed.content_id / 400 for _, deed in deeds if deed.kind == "click"]
    hidden = [deed.content_id / 400 for _, deed in deeds if deed.kind == "hide"]

    assert kinds["view"] > 2 * kinds["click"] > 4 * kinds["save"] > 0
    assert min(kinds[kind] for kind in ("share", "inquiry", "purchase", "hide")) > 0
    assert 25 < sum(counts) / len(counts) < 60
    assert counts[0] == 0
    assert counts[-60] > 3 * counts[300]
    assert sum(region_of[deed.content_id] == reader.region for reader, deed in deeds) > 0.7 * len(deeds)
    assert sum(hidden) / len(hidden) < sum(clicked) / len(clicked)


def test_everything_happened_lately_and_in_order() -> None:
    """Nothing lies in the future, and nothing before the period."""
    for reader in generate_readers(_ITEMS, users=100, seed=1, now=_NOW):
        times = [deed.occurred_at for deed in reader.deeds]
        assert times == sorted(times)
        assert all(_NOW - PERIOD - timedelta(hours=1) <= at <= _NOW for at in times)


@pytest.mark.slow
@pytest.mark.stack
def test_a_second_run_adds_nothing_and_a_larger_one_only_the_new(database: DatabaseAddress) -> None:
    """Also when it runs later, and a reader who is real is left alone."""
    with connect(database) as connection:
        connection.execute("insert into vendors (id, name) values (1, 'studio')")
        connection.execute(
            "insert into content (id, vendor_id, title, region, category, quality) "
            "select n, 1, 'item', 'AU', 'venue', n / 50.0 from generate_series(1, 50) as n"
        )
        connection.execute("insert into users (id, handle) values (3, 'real')")
        connection.commit()

        first = store_readers(connection, users=10, seed=7, now=_NOW, listener=ignore)
        later = _NOW + timedelta(days=3)
        second = store_readers(connection, users=10, seed=7, now=later, listener=ignore)
        third = store_readers(connection, users=12, seed=7, now=later, listener=ignore)

        assert (first.readers, second, third.readers) == (9, SimulatedCounts(), 2)
        query = "select count(*), count(*) filter (where user_id = 3) from interactions"
        assert connection.execute(query).fetchone() == (first.interactions + third.interactions, 0)
        marked = "select count(*) from users where attributes @> '{\"simulated\": true}'"
        assert connection.execute(marked).fetchone() == (11,)


@pytest.mark.slow
@pytest.mark.stack
def test_the_command_says_that_they_are_simulated(tmp_path: Path, database: DatabaseAddress) -> None:
    """An empty catalogue is refused; a dry run writes nothing; what readers did is in the popularity afterwards."""
    environment = {"OPSCTL_DATABASE_URL": database.url, "OPSCTL_DATABASE_PASSWORD": database.password or ""}

    def run(*arguments: str) -> tuple[int, str, str]:
        outcome = run_opsctl("catalog", *arguments, folder=tmp_path, environment=environment)
        return outcome.exit_code, outcome.stdout, outcome.stderr

    code, _, stderr = run("readers", "--users", "5")
    assert (code, "CAT012" in stderr) == (3, True)
    assert run("generate", "--items", "60", "--no-sync")[0] == 0

    code, previewed, _ = run("readers", "--users", "20", "--dry-run")
    assert (code, "simulated" in previewed) == (0, True)
    code, shown, _ = run("readers", "--users", "20", "--json")
    data = json.loads(shown)["data"]
    assert (code, data["simulated"], data["counts"]["readers"]) == (0, True, 20)
    with connect(database) as connection:
        totals = connection.execute("select views > 0 and positives > 0 from popularity_totals").fetchone()
    assert totals == (True,)
    assert "0 of 20 new" in run("readers", "--users", "20")[1]
