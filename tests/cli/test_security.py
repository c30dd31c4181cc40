"""API keys as an operator makes, lists and ends them."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.command import Outcome, run_opsctl

from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.service.cache.journal import InvalidationJournal
from opsctl.service.cache.places import journal_path
from opsctl.store.api_keys import hash_of, prefix_of

pytestmark = pytest.mark.stack


class Shell:
    """Runs `opsctl security keys` in one project folder against a fresh database."""

    def __init__(self, folder: Path, database: DatabaseAddress) -> None:
        self.folder = folder
        self._environment = {
            "OPSCTL_DATABASE_URL": database.url,
            "OPSCTL_DATABASE_PASSWORD": database.password or "",
        }

    def run(self, *arguments: str) -> Outcome:
        """Run one verb."""
        return run_opsctl("security", "keys", *arguments, folder=self.folder, environment=self._environment)

    def data(self, *arguments: str) -> Any:
        """Run one verb that must be good, and return the data of its JSON document."""
        outcome = self.run(*arguments, "--json")
        assert outcome.exit_code == 0, outcome.stderr
        return json.loads(outcome.stdout)["data"]


@pytest.fixture
def shell(tmp_path: Path, database: DatabaseAddress) -> Shell:
    """Give a new project."""
    return Shell(tmp_path, database)


def test_a_key_is_printed_once_and_kept_as_a_hash(shell: Shell, database: DatabaseAddress) -> None:
    """Stdout is the key and nothing else; stderr says that it is shown only once; the list does not show it."""
    outcome = shell.run("create", "--name", "store [bold]front", "--expires", "90d")

    key = outcome.stdout.strip()
    assert outcome.exit_code == 0
    assert outcome.stdout == f"{key}\n"
    assert "only once" in outcome.stderr
    assert key not in outcome.stderr
    with connect(database) as connection:
        rows = connection.execute("select prefix, hash, plan, scopes from api_keys").fetchall()
    scopes = ["content:read", "feed:read", "interactions:write"]
    assert rows == [(prefix_of(key), hash_of(key), "free", scopes)]
    shown = shell.run("list").stdout
    assert key not in shown
    assert "store [bold]front" in shown
    assert "good" in shown


def test_a_program_gets_the_key_and_what_is_known_of_it(shell: Shell) -> None:
    """Neither document holds the hash."""
    made = shell.data("create", "--name", "load", "--plan", "bench", "--scope", "feed:read")
    listed = shell.data("list")

    assert prefix_of(made["key"]) == made["record"]["prefix"]
    assert (made["record"]["plan"], made["record"]["scopes"]) == ("bench", ["feed:read"])
    assert listed == [made["record"] | {"used_since_rotation": None}]
    assert "hash" not in made["record"]


@pytest.mark.slow
def test_a_revoked_key_is_told_to_the_workers_of_this_machine(shell: Shell) -> None:
    """It says within which time all others know; a second time there is nothing to revoke."""
    prefix = shell.data("create", "--name", "x")["record"]["prefix"]
    journal = InvalidationJournal(journal_path(shell.folder / ".opsctl"))
    before = journal.sequence

    outcome = shell.run("revoke", prefix)

    assert (outcome.exit_code, "within 10 s" in outcome.stdout) == (0, True)
    assert journal.read_since(before)[1] == (f"apikey:{prefix}",)
    assert shell.data("list")[0]["revoked_at"] is not None
    again = shell.run("revoke", prefix)
    assert (again.exit_code, "KEY002" in again.stderr) == (2, True)


@pytest.mark.parametrize("verb", ["revoke", "rotate"])
@pytest.mark.parametrize("text", ["\udcff", "' or true --", "opk_abcdefgh_tooshort", ""])
def test_what_no_key_can_begin_with_is_refused_before_any_server_is_asked(
    tmp_path: Path, verb: str, text: str
) -> None:
    """It is not repeated either: half a key is still half a secret."""
    outcome = run_opsctl("security", "keys", verb, text, folder=tmp_path)

    assert (outcome.exit_code, "KEY002" in outcome.stderr) == (2, True)
    assert "tooshort" not in outcome.stderr
    assert not (tmp_path / ".opsctl" / "stack").exists()


@pytest.mark.slow
def test_a_whole_key_that_leaked_is_revoked_by_its_prefix(shell: Shell) -> None:
    """Whoever finds one in a log need not cut it first."""
    key = shell.data("create", "--name", "x")["key"]

    outcome = shell.run("revoke", key)

    assert (outcome.exit_code, key in outcome.stdout + outcome.stderr) == (0, False)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--name", "x", "--plan", "golden"), "KEY001"),
        (("--name", "x", "--expires", "soon"), "KEY003"),
        (("--name", " "), "KEY004"),
        (("--name", "\x1b[31mred"), "KEY004"),
        (("--name", "two\nlines"), "KEY004"),
        (("--name", "\udcff"), "KEY004"),
        (("--name", "n" * 101), "KEY004"),
        (("--name", "x", "--expires", "9999999d"), "KEY003"),
    ],
)
def test_what_the_service_would_not_understand_is_refused_before_anything_is_made(
    tmp_path: Path, arguments: tuple[str, ...], code: str
) -> None:
    """An unknown plan and a senseless expiry are usage errors; no server is started for them."""
    outcome = run_opsctl("security", "keys", "create", *arguments, folder=tmp_path)

    assert (outcome.exit_code, code in outcome.stderr) == (2, True)
    assert not (tmp_path / ".opsctl" / "stack").exists()
