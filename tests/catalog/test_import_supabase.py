"""`opsctl catalog import supabase:TABLE` as a person runs it: Supabase Lite as the source, PostgreSQL as the target."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.command import Outcome, run_opsctl
from tests.conftest import EmbeddedPostgres
from tests.supabase_lite.server import SupabaseLite, running_lite, why_missing

from opsctl.clients.postgres import DatabaseAddress, connect

pytestmark = [pytest.mark.stack, pytest.mark.skipif(why_missing() is not None, reason=f"{why_missing()}")]

MAPPING = """\
source: vendors
id: id
format: csv
fields:
  title: title
  region: region
  category: {constant: venue}
  quality: {percentile: stars, empty: 0}
  price_usd: price
  tags: {column: tags}
"""
_TABLES = """
create table listings (
    id bigint primary key, title text, region text, stars float8, price numeric(12, 2), tags text[], secret text
);
insert into listings
    select n, case when n % 500 = 0 then '' else 'venue ' || n end, 'AU', n % 7, n / 4.0, array['a', 'b'], 'private'
    from generate_series(1, 6000) as n;
create table guarded as select * from listings limit 3;
alter table guarded enable row level security;
create schema shop;
"""
_ROWS, _BAD = 6000, 12


@pytest.fixture(scope="module")
def lite(
    embedded_postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SupabaseLite]:
    """Give Supabase Lite on a database with a table of items."""
    with (
        embedded_postgres.new_database() as database,
        running_lite(database, folder=tmp_path_factory.mktemp("lite")) as server,
    ):
        with connect(database) as connection:
            connection.execute(_TABLES.encode())
        yield server


class Shell:
    """Runs `opsctl catalog` in one project folder, with the database of the test."""

    def __init__(self, folder: Path, *, database: DatabaseAddress, lite: SupabaseLite) -> None:
        self.folder = folder
        self.environment = {
            "OPSCTL_DATABASE_URL": database.url,
            "OPSCTL_DATABASE_PASSWORD": database.password or "",
            "OPSCTL_SUPABASE_URL": lite.url,
            "OPSCTL_SUPABASE_KEY": lite.secret_key,
        }

    def run(self, *arguments: str, **environment: str) -> Outcome:
        """Import without the vectors."""
        return run_opsctl(
            "catalog", "import", *arguments, folder=self.folder, environment=self.environment | environment
        )

    def report(self, *arguments: str) -> Any:
        """Import, which must be good, and return its report."""
        outcome = self.run(*arguments, "--no-sync", "--json")
        assert outcome.exit_code == 0, outcome.stderr
        return json.loads(outcome.stdout)["data"]["import"]


@pytest.fixture
def shell(tmp_path: Path, database: DatabaseAddress, lite: SupabaseLite) -> Shell:
    """Give a project folder with a mapping of the table's name."""
    (tmp_path / "listings.yaml").write_text(MAPPING)
    return Shell(tmp_path, database=database, lite=lite)


def _number(database: DatabaseAddress, query: str) -> int:
    with connect(database) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.slow
def test_the_rows_of_a_table_become_items_and_only_what_changed_is_written_again(
    shell: Shell, database: DatabaseAddress, lite: SupabaseLite
) -> None:
    """The first time all; unchanged, nothing; one row changed, one item; a column that is not mapped does not count."""
    first = shell.report("supabase:listings", "--mapping", "listings.yaml")
    second = shell.report("supabase:listings", "--mapping", "listings.yaml")
    with connect(lite.database) as connection:
        connection.execute("update listings set secret = 'other' where id = 8")
        connection.execute("update listings set title = 'renamed' where id = 7")
    third = shell.report("supabase:public.listings", "--mapping", "listings.yaml")

    assert (first["file"], first["rows"], first["rejected"]) == ("supabase:listings", _ROWS, _BAD)
    assert first["counts"] == {"inserted": _ROWS - _BAD, "updated": 0, "unchanged": 0}
    assert (second["was_imported_before"], second["rows"]) == (True, _ROWS)
    assert third["counts"] == {"inserted": 0, "updated": 1, "unchanged": _ROWS - _BAD - 1}
    assert _number(database, "select count(*) from content where tags = array['a', 'b']") == _ROWS - _BAD
    assert _number(database, "select count(*) from content where quality = 1") == sum(
        n % 7 == 6 and n % 500 != 0 for n in range(1, _ROWS + 1)
    )


@pytest.mark.slow
def test_nothing_of_the_table_stays_behind_but_the_rejects(shell: Shell) -> None:
    """The copy holds mapped columns only, and goes with the import."""
    shell.report("supabase:listings", "--mapping", "listings.yaml")

    left = sorted(path.name for path in (shell.folder / ".opsctl" / "imports").iterdir())
    rejects = (shell.folder / ".opsctl" / "imports" / left[-1]).read_text()

    assert left == ["supabase:listings.lock", "vendors-supabase:listings.rejects.jsonl"]
    assert (len(rejects.splitlines()), "private" in rejects) == (_BAD, False)


_STOP = """
create function stop() returns trigger language plpgsql as $$ begin perform pg_sleep(60); return new; end $$;
create trigger stop before update on import_batches for each row when (new.rows_done > 2000) execute function stop();
"""
_STOPPED = (
    "select count(*) from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()"
)
_END_STOPPED = "select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()"


@pytest.mark.slow
def test_an_import_killed_in_the_middle_goes_on_from_the_recorded_row(
    shell: Shell, database: DatabaseAddress
) -> None:
    """The table did not change, so its copy has the same digest, and what was written is not written again."""
    with connect(database, autocommit=True) as connection:
        connection.execute(_STOP.encode())
    process = subprocess.Popen(
        [sys.executable, "-m", "opsctl", "catalog", "import", "supabase:listings", "--mapping", "listings.yaml",
         "--no-sync"],
        cwd=shell.folder, env=os.environ | shell.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while not _number(database, _STOPPED):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        process.kill()
        process.wait()
    with connect(database, autocommit=True) as connection:
        connection.execute(_END_STOPPED.encode())
        connection.execute("drop trigger stop on import_batches")

    report = shell.report("supabase:listings", "--mapping", "listings.yaml")

    assert (report["resumed_at_row"], report["rows"], report["rejected"]) == (2000, _ROWS, _BAD)
    assert report["counts"]["inserted"] == _number(
        database, "select count(*) from content where external_id::int > 2000"
    )
    assert _number(database, "select count(*) from content") == _ROWS - _BAD
    assert _number(database, "select count(*) from outbox") == _ROWS - _BAD


@pytest.mark.slow
def test_a_dry_run_writes_nothing_and_takes_the_mapping_of_the_tables_name(shell: Shell) -> None:
    """No database is needed for it."""
    outcome = shell.run("supabase:listings", "--dry-run", OPSCTL_DATABASE_URL="postgresql://x@127.0.0.1:1/x")

    assert (outcome.exit_code, outcome.stdout.splitlines()[0]) == (
        0,
        "supabase:listings: 5,988 of 6,000 rows are good",
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "environment", "exit_code", "said"),
    [
        (["supabase:nowhere"], {}, 2, "error[SUP007]: cannot read `nowhere`"),
        (["supabase:a b"], {}, 2, "error[SUP007]: `a b` is not the name of a table"),
        (["supabase:listings"], {"OPSCTL_SUPABASE_URL": ""}, 2, "error[SUP001]: no Supabase project is set"),
        (["supabase:listings"], {"OPSCTL_SUPABASE_KEY": ""}, 2, "error[SUP002]: there is no key for"),
        (["supabase:listings"], {"OPSCTL_SUPABASE_KEY": "sb_secret_x"}, 3, "error[SUP005]"),
        (["supabase:listings"], {"OPSCTL_SUPABASE_URL": "http://127.0.0.1:9"}, 3, "error[SUP004]"),
    ],
)
def test_what_cannot_be_read_is_told_before_servers_are_started(
    shell: Shell, arguments: list[str], environment: dict[str, str], exit_code: int, said: str
) -> None:
    """With the code of its cause, the next step, and without the key."""
    outcome = shell.run(*arguments, "--mapping", "listings.yaml", OPSCTL_DATABASE_URL="", **environment)

    assert (outcome.exit_code, said in outcome.stderr) == (exit_code, True), outcome.stderr
    assert "hint:" in outcome.stderr
    assert "sb_secret_" not in outcome.stderr
    assert not (shell.folder / ".opsctl" / "stack").exists()


def test_a_publishable_key_is_warned_of_and_row_level_security_told(shell: Shell, lite: SupabaseLite) -> None:
    """Rows that are hidden must not be taken for rows that are not there."""
    outcome = shell.run(
        "supabase:guarded", "--mapping", "listings.yaml", OPSCTL_SUPABASE_KEY=lite.publishable_key
    )

    assert (outcome.exit_code, "error[SUP013]" in outcome.stderr) == (3, True)
    assert "row level security" in outcome.stderr
    assert "the key is not a secret one" in outcome.stderr


@pytest.mark.slow
def test_a_mapped_column_that_is_not_there_is_told_with_the_nearest(shell: Shell) -> None:
    """As for a file."""
    (shell.folder / "wrong.yaml").write_text(MAPPING.replace("title: title", "title: titel"))

    outcome = shell.run("supabase:listings", "--mapping", "wrong.yaml")

    assert (outcome.exit_code, "did you mean `title`?" in outcome.stderr) == (2, True)
    assert "column `titel` is mapped, but the table does not have it" in outcome.stderr
