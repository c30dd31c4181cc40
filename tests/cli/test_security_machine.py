"""What the audit sees of a stack that runs: its ports, its keys, its state, on the session's own PostgreSQL."""

import json
from typing import Any

import pytest
from tests.cli.command import run_opsctl
from tests.conftest import EmbeddedPostgres

from opsctl.cli.security_machine import AuditedMachine
from opsctl.clients.postgres import DatabaseAddress, connect

pytestmark = pytest.mark.stack


def audited(stack: EmbeddedPostgres, database: DatabaseAddress, *codes: str) -> dict[str, Any]:
    """Run some checks in the project of the session's stack, and return each row of the document by its code."""
    only = [word for code in codes for word in ("--only", code)]
    environment = {
        "OPSCTL_DATABASE_URL": database.url,
        "OPSCTL_DATABASE_PASSWORD": database.password or "",
    }
    outcome = run_opsctl(
        "security", "audit", *only, "--json", folder=stack.home.parent, environment=environment
    )
    return {row["code"]: row for row in json.loads(outcome.stdout)["data"]["checks"]}


def test_ports_of_a_running_part_are_found_by_its_processes(embedded_postgres: EmbeddedPostgres) -> None:
    """PostgreSQL has many of them; each socket is told once."""
    found = AuditedMachine(embedded_postgres.home).listening()

    assert {(each.part, each.port) for each in found} == {("postgres", embedded_postgres.port)}
    assert {each.address for each in found} <= {"127.0.0.1", "::1"}


@pytest.mark.slow
def test_a_stack_that_runs_lets_its_checks_tell(
    embedded_postgres: EmbeddedPostgres, database: DatabaseAddress
) -> None:
    """No key at all, state that is nobody else's, a generated password that is in no log; ports but for the service's."""
    rows = audited(embedded_postgres, database, "SEC003", "SEC006", "SEC007", "SEC008", "SEC012")

    ports = rows.pop("SEC012")
    assert {code: (row["state"], row["reason"]) for code, row in rows.items() if row["state"] != "pass"} == {}
    assert ports["reason"] == "the service of the stack does not run; postgres on loopback alone"


@pytest.mark.slow
def test_keys_of_the_database_are_judged(
    embedded_postgres: EmbeddedPostgres, database: DatabaseAddress
) -> None:
    """One that never ends fails; the key itself is nowhere in the report."""
    environment = {"OPSCTL_DATABASE_URL": database.url, "OPSCTL_DATABASE_PASSWORD": database.password or ""}
    made = run_opsctl(
        *("security", "keys", "create", "--name", "for-ever"),
        folder=embedded_postgres.home.parent,
        environment=environment,
    )

    row = audited(embedded_postgres, database, "SEC008")["SEC008"]

    prefix = made.stdout.split("_")[1]
    assert row["state"] == "fail"
    assert [each["title"] for each in row["troubles"]] == [f"key {prefix} (for-ever) never ends"]
    assert made.stdout.strip() not in json.dumps(row)


def test_a_database_without_tables_is_left_as_it_is(
    embedded_postgres: EmbeddedPostgres, empty_database: DatabaseAddress
) -> None:
    """The audit of somebody's own database changes nothing: it could not tell, and no table came to be."""
    row = audited(embedded_postgres, empty_database, "SEC008")["SEC008"]

    assert row["state"] == "unknown"
    with connect(empty_database) as connection:
        tables = connection.execute("select count(*) from pg_tables where schemaname = 'public'").fetchone()
    assert tables == (0,)


def test_state_that_others_can_change_is_told(
    embedded_postgres: EmbeddedPostgres, database: DatabaseAddress
) -> None:
    """A pid file that anybody may write would let anybody choose whom opsctl ends."""
    file = embedded_postgres.home / "stack" / "postgres.pid"
    mode = file.stat().st_mode
    file.chmod(0o666)
    try:
        row = audited(embedded_postgres, database, "SEC006")["SEC006"]
    finally:
        file.chmod(mode)

    assert row["state"] == "fail"
    assert [each["place"] for each in row["troubles"]] == [".opsctl/stack/postgres.pid"]
