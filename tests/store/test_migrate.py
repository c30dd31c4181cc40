"""Migrations happen once each, a changed one is refused, and every change of content reaches the outbox."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.core.errors import FailedError, RefusedError, UsageError
from opsctl.store.migrate import Migration, apply_migrations, find_migrations, plan_migrations

pytestmark = pytest.mark.stack

_CONTENT = (
    "insert into content (id, vendor_id, title, region, category, quality) "
    "select n, 1, 'item ' || n, 'AU', 'photographer', 0.5 from generate_series(1, 3) as n"
)


def _rows(address: DatabaseAddress, query: str) -> list[tuple[Any, ...]]:
    with connect(address) as connection:
        return connection.execute(query.encode()).fetchall()


def _run(address: DatabaseAddress, *statements: str) -> None:
    with connect(address) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def _outbox(address: DatabaseAddress) -> list[tuple[Any, ...]]:
    return _rows(address, "select aggregate_id, operation from outbox order by sequence")


@pytest.fixture
def catalogue(database: DatabaseAddress) -> DatabaseAddress:
    """Give a database with one vendor, three items and an empty outbox."""
    _run(database, "insert into vendors (id, name) values (1, 'studio')", _CONTENT, "truncate outbox")
    return database


def _versions(migrations: Sequence[Migration]) -> list[str]:
    return [migration.version for migration in migrations]


@pytest.mark.slow
def test_the_first_run_applies_everything_and_the_second_nothing(empty_database: DatabaseAddress) -> None:
    """Each migration is applied once, in order, and recorded where the Supabase CLI looks."""
    with connect(empty_database) as connection:
        planned = plan_migrations(connection)
        first = apply_migrations(connection)
        second = apply_migrations(connection)
    recorded = _rows(
        empty_database,
        "select version, name, statements[1] from supabase_migrations.schema_migrations order by 1",
    )

    assert planned == first == list(find_migrations())
    assert second == []
    assert recorded == [(migration.version, migration.name, migration.sql) for migration in first]


def test_planning_writes_nothing(empty_database: DatabaseAddress) -> None:
    """A plan leaves no schema and no table behind."""
    with connect(empty_database) as connection:
        plan_migrations(connection)

    found = _rows(
        empty_database, "select to_regnamespace('supabase_migrations')::text, to_regclass('content')::text"
    )
    assert found == [(None, None)]


def test_a_migration_changed_after_it_was_applied_is_refused(database: DatabaseAddress) -> None:
    """One more space in an applied file is enough to be refused, by its name."""
    first, *others = find_migrations()
    changed = [replace(first, sql=first.sql + " "), *others]

    with connect(database) as connection, pytest.raises(RefusedError) as caught:
        apply_migrations(connection, migrations=changed)

    assert (caught.value.code, first.path.name in caught.value.message) == ("MIG002", True)


@pytest.mark.slow
def test_a_database_of_a_newer_opsctl_is_refused(database: DatabaseAddress) -> None:
    """A digest of a version that is in no file means that the database is ahead."""
    with connect(database) as connection, pytest.raises(RefusedError) as caught:
        plan_migrations(connection, migrations=find_migrations()[:-1])

    assert caught.value.code == "MIG003"


def test_versions_of_other_tools_are_left_alone(database: DatabaseAddress) -> None:
    """A Supabase project's own migrations, which have no digest of ours, are no reason to refuse."""
    _run(
        database,
        "insert into supabase_migrations.schema_migrations (version, name) values ('20990101000000', 'own')",
    )

    with connect(database) as connection:
        assert plan_migrations(connection) == []


@pytest.mark.slow
def test_a_failing_migration_is_rolled_back_as_a_whole(database: DatabaseAddress, tmp_path: Path) -> None:
    """Nothing of a migration with a mistake in its last statement stays, and the error names the line."""
    bad = Migration(
        version="20990101000000",
        name="bad",
        path=tmp_path / "20990101000000_bad.sql",
        sql="create table half (id int);\ninsert into nowhere values (1);\n",
    )

    with connect(database) as connection, pytest.raises(FailedError) as caught:
        apply_migrations(connection, migrations=[*find_migrations(), bad])

    assert (caught.value.code, str(caught.value.location)) == ("MIG004", f"{bad.path}:2")
    assert _rows(database, "select to_regclass('half')::text") == [(None,)]


@pytest.mark.slow
def test_two_runs_at_once_apply_each_migration_once(empty_database: DatabaseAddress) -> None:
    """Between them, two concurrent runs apply every migration exactly once."""
    applied: list[str] = []

    def run() -> None:
        with connect(empty_database) as connection:
            applied.extend(_versions(apply_migrations(connection)))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(applied) == _versions(find_migrations())


@pytest.mark.parametrize("name", ["1_short.sql", "20261122000100-dash.sql", "20261122000100_Upper.sql"])
def test_a_file_with_another_form_of_name_is_refused(tmp_path: Path, name: str) -> None:
    """Only the Supabase CLI's form of a file name is a migration."""
    (tmp_path / name).write_text("select 1")

    with pytest.raises(UsageError) as caught:
        find_migrations(tmp_path)

    assert caught.value.code == "MIG001"


def test_a_version_that_stands_twice_is_refused(tmp_path: Path) -> None:
    """Two files of one version would hide one another."""
    for name in ("a", "b"):
        (tmp_path / f"20261122000100_{name}.sql").write_text("select 1")

    with pytest.raises(UsageError) as caught:
        find_migrations(tmp_path)

    assert "stands twice" in caught.value.message


@pytest.mark.slow
def test_inserts_reach_the_outbox(catalogue: DatabaseAddress) -> None:
    """Each new item is one upsert."""
    _run(catalogue, _CONTENT.replace("(1, 3)", "(4, 5)"))

    assert _outbox(catalogue) == [(4, "upsert"), (5, "upsert")]


@pytest.mark.slow
def test_copy_reaches_the_outbox_row_by_row(catalogue: DatabaseAddress) -> None:
    """A bulk load with COPY writes an upsert for each row."""
    copying = "copy content (id, vendor_id, title, region, category, quality) from stdin"

    with connect(catalogue) as connection, connection.cursor() as cursor, cursor.copy(copying) as copy:
        for number in range(10, 2010):
            copy.write_row((number, 1, "copied", "AU", "photographer", 0.9))

    assert _outbox(catalogue) == [(number, "upsert") for number in range(10, 2010)]


@pytest.mark.slow
def test_an_update_writes_only_the_rows_that_changed(catalogue: DatabaseAddress) -> None:
    """Of three touched rows, one of which gets a new value, one is in the outbox, with a new updated_at."""
    before = dict(_rows(catalogue, "select id, updated_at from content"))

    _run(catalogue, "update content set quality = case id when 2 then 0.9 else quality end")

    after = dict(_rows(catalogue, "select id, updated_at from content"))
    assert _outbox(catalogue) == [(2, "upsert")]
    assert [number for number in (1, 2, 3) if after[number] > before[number]] == [2]


@pytest.mark.slow
def test_a_large_update_after_an_empty_one_is_not_slow(catalogue: DatabaseAddress) -> None:
    """The plan that the trigger keeps from an update of no row serves a large one; a nested loop never ends."""
    more = _CONTENT.replace("(1, 3)", "(11, 30010)")

    with connect(replace(catalogue, statement_timeout_seconds=20)) as connection:
        for statement in ("update content set quality = quality", more, "update content set quality = 0.2"):
            connection.execute(statement.encode())

    assert len(_outbox(catalogue)) == 30_000 + 30_003


@pytest.mark.slow
def test_touching_rows_without_a_change_writes_nothing(catalogue: DatabaseAddress) -> None:
    """An update and an upsert with the values that are there leave outbox and updated_at alone."""
    before = _rows(catalogue, "select id, updated_at from content order by id")

    _run(
        catalogue,
        "update content set title = title",
        f"{_CONTENT} on conflict (id) do update set title = excluded.title, quality = excluded.quality",
    )

    assert _outbox(catalogue) == []
    assert _rows(catalogue, "select id, updated_at from content order by id") == before


@pytest.mark.slow
def test_an_upsert_that_changes_a_row_is_one_outbox_row(catalogue: DatabaseAddress) -> None:
    """`on conflict do update` writes new and changed rows, each once."""
    _run(
        catalogue,
        _CONTENT.replace("0.5", "case n when 1 then 0.5 else 0.75 end").replace("(1, 3)", "(1, 4)")
        + " on conflict (id) do update set quality = excluded.quality",
    )

    assert sorted(_outbox(catalogue)) == [(2, "upsert"), (3, "upsert"), (4, "upsert")]


@pytest.mark.slow
def test_deletes_reach_the_outbox_also_through_the_vendor(catalogue: DatabaseAddress) -> None:
    """An item that goes, alone or with its vendor, is a delete."""
    _run(catalogue, "delete from content where id = 1", "delete from vendors where id = 1")

    assert _outbox(catalogue) == [(1, "delete"), (2, "delete"), (3, "delete")]


@pytest.mark.slow
def test_truncate_reaches_the_outbox(catalogue: DatabaseAddress) -> None:
    """Emptying the table is a delete of every item."""
    _run(catalogue, "truncate content cascade")

    assert _outbox(catalogue) == [(1, "delete"), (2, "delete"), (3, "delete")]


@pytest.mark.slow
def test_a_changed_id_is_a_delete_and_an_upsert(catalogue: DatabaseAddress) -> None:
    """The old id goes and the new one comes."""
    _run(catalogue, "update content set id = 30 where id = 3")

    assert _outbox(catalogue) == [(3, "delete"), (30, "upsert")]


@pytest.mark.slow
def test_a_rolled_back_change_is_not_in_the_outbox(catalogue: DatabaseAddress) -> None:
    """The outbox row lives and dies with the change."""
    with connect(catalogue) as connection:
        connection.execute("delete from content")
        connection.rollback()

    assert _outbox(catalogue) == []


@pytest.mark.slow
def test_a_consumer_that_walks_by_the_pair_misses_nothing(catalogue: DatabaseAddress) -> None:
    """A row with a lower sequence that commits later is not passed over.

    The younger transaction writes first (lower sequence) and stays open; the older one writes second and commits.
    """
    walked: list[int] = []
    watermark = ("0", 0)

    def walk() -> None:
        nonlocal watermark
        with connect(catalogue) as reader:
            rows = reader.execute(
                "select transaction_id::text, sequence, aggregate_id from outbox_ready "
                "where (transaction_id, sequence) > (%s::xid8, %s) order by transaction_id, sequence",
                watermark,
            ).fetchall()
        for transaction_id, sequence, aggregate_id in rows:
            watermark = (transaction_id, sequence)
            walked.append(aggregate_id)

    with connect(catalogue) as older, connect(catalogue) as younger:
        older.execute("select pg_current_xact_id()")
        younger.execute("update content set quality = 0.1 where id = 1")
        older.execute("update content set quality = 0.2 where id = 2")
        older.commit()
        walk()
        seen_while_open = list(walked)
        younger.commit()
    walk()
    sequences = dict(_rows(catalogue, "select aggregate_id, sequence from outbox"))

    assert sequences[1] < sequences[2]
    assert seen_while_open == [2]
    assert walked == [2, 1]


def test_nothing_is_ready_behind_an_older_open_transaction(catalogue: DatabaseAddress) -> None:
    """A committed change waits in the outbox while an older transaction could still write before it."""
    query = "select aggregate_id from outbox_ready"
    with connect(catalogue) as older:
        older.execute("select pg_current_xact_id()")
        _run(catalogue, "update content set quality = 0.2 where id = 2")
        while_open = _rows(catalogue, query)
        older.rollback()

    assert while_open == []
    assert _rows(catalogue, query) == [(2,)]


@pytest.mark.slow
def test_kinds_of_interactions_get_their_new_names(empty_database: DatabaseAddress) -> None:
    """What an older opsctl wrote as contact and dismiss is inquiry and hide; the old words are refused."""
    import psycopg

    before = [each for each in find_migrations() if each.version < "20261122000800"]
    with connect(empty_database) as connection:
        apply_migrations(connection, migrations=before)
        connection.execute("insert into users (id) values (1)")
        connection.execute(
            "insert into interactions (idempotency_key, kind, user_id, occurred_at) "
            "select kind, kind, 1, now() from unnest(array['view', 'contact', 'dismiss']) as kind"
        )
        connection.commit()
        apply_migrations(connection)
    found = _rows(empty_database, "select idempotency_key, kind from interactions order by id")

    assert found == [("view", "view"), ("contact", "inquiry"), ("dismiss", "hide")]
    with pytest.raises(psycopg.errors.CheckViolation):
        _run(empty_database, "update interactions set kind = 'contact'")


@pytest.mark.slow
@pytest.mark.parametrize(
    "statement",
    [
        "update content set quality = 'NaN'",
        "update content set quality = 1.5",
        "update content set price_usd = 'NaN'",
        "update content set price_usd = -1",
        "update content set title = ''",
        "update content set status = 'unknown'",
        "update content set attributes = '[]'",
        "insert into interactions (idempotency_key, kind, user_id, occurred_at) values ('k', 'teleport', 1, now())",
        "insert into experiment_metrics values (default, 'k', 'm', 'u', 'NaN', now())",
        "insert into api_keys (prefix, hash, name) values ('abcdef', 'short', 'n')",
        "insert into import_batches (file_name, file_digest, mapping_digest) values ('f', 'x', 'y')",
    ],
)
def test_values_that_would_spoil_later_figures_are_refused(
    catalogue: DatabaseAddress, statement: str
) -> None:
    """The tables' checks keep such values out."""
    import psycopg

    with connect(catalogue) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(statement.encode())


@pytest.mark.slow
def test_every_table_has_a_comment_and_row_level_security(database: DatabaseAddress) -> None:
    """No table is published over REST by accident, and each says what it is for."""
    found = _rows(
        database,
        "select relname, relrowsecurity, obj_description(oid) is not null from pg_class "
        "where relnamespace = 'public'::regnamespace and relkind = 'r' order by relname",
    )

    assert [row[0] for row in found] == [
        *("agent_policy", "api_keys", "content", "content_popularity", "experiment_exposures"),
        *(
            "experiment_kept_arms",
            "experiment_metrics",
            "experiments",
            "feed_decisions",
            "import_batches",
            "interactions",
            "outbox",
        ),
        *("outbox_watermarks", "popularity_totals", "survey_answers", "thompson_arms", "users"),
        "vendors",
    ]
    assert {(secured, commented) for _, secured, commented in found} == {(True, True)}
