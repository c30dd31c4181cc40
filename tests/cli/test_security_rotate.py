"""`opsctl security keys rotate`: what is printed, what is refused, and what a broken connection leaves behind."""

from pathlib import Path

import pytest
from tests.cli.test_security import Shell
from tests.fakes.breaking_line import BreakingLine

from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.service.cache.journal import InvalidationJournal
from opsctl.service.cache.places import journal_path
from opsctl.store.api_keys import hash_of, prefix_of

pytestmark = pytest.mark.stack


@pytest.fixture
def shell(tmp_path: Path, database: DatabaseAddress) -> Shell:
    """Give a new project."""
    return Shell(tmp_path, database)


def made_prefix(shell: Shell, *options: str) -> str:
    """Make a key and return its prefix."""
    return str(shell.data("create", "--name", "shop", *options)["record"]["prefix"])


@pytest.mark.slow
def test_the_new_key_is_printed_alone_and_the_list_links_both(
    shell: Shell, database: DatabaseAddress
) -> None:
    """Stdout can be piped; stderr says when the old one ends; its end is told to the workers of this machine."""
    prefix = made_prefix(shell, "--expires", "90d")
    journal = InvalidationJournal(journal_path(shell.folder / ".opsctl"))
    before = journal.sequence

    outcome = shell.run("rotate", prefix, "--overlap", "2h")

    key = outcome.stdout.strip()
    assert (outcome.exit_code, outcome.stdout) == (0, f"{key}\n")
    assert key not in outcome.stderr
    assert f"{prefix} (shop) goes on beside it for 2 h 0 min, until" in outcome.stderr
    assert journal.read_since(before)[1] == (f"apikey:{prefix}",)
    with connect(database) as connection:
        kept = connection.execute("select hash from api_keys where prefix = %s", [prefix_of(key)]).fetchone()
    assert kept == (hash_of(key),)
    listed = shell.run("list").stdout
    assert f"rotated to {prefix_of(key)}" in listed
    assert "good for 90 days" in listed
    assert [each["rotated_to"] for each in shell.data("list")] == [prefix_of(key), None]


def test_an_overlap_shorter_than_workers_remember_says_so(shell: Shell) -> None:
    """Other machines hear of the end only when they ask the database again."""
    outcome = shell.run("rotate", made_prefix(shell), "--overlap", "0s")

    assert outcome.exit_code == 0
    assert "on other machines for up to 10 s" in outcome.stderr


@pytest.mark.slow
def test_a_dry_run_prints_no_key_and_leaves_the_list_as_it_was(shell: Shell) -> None:
    """Nor does its document hold one."""
    prefix = made_prefix(shell)
    before = shell.data("list")

    outcome = shell.run("rotate", prefix, "--dry-run")

    assert (outcome.exit_code, "opk_" in outcome.stdout + outcome.stderr) == (0, False)
    assert "nothing was changed" in outcome.stderr
    assert shell.data("rotate", prefix, "--dry-run")["key"] is None
    assert shell.data("list") == before


@pytest.mark.slow
@pytest.mark.parametrize("why", ["it was revoked", "its time has passed", "it is being rotated already"])
def test_a_key_that_does_not_hold_or_is_being_rotated_is_refused(
    shell: Shell, database: DatabaseAddress, why: str
) -> None:
    """Exit 4, with the reason and what to do instead."""
    prefix = made_prefix(shell, "--expires", "1d")
    if why == "it was revoked":
        shell.run("revoke", prefix)
    elif why == "its time has passed":
        with connect(database, autocommit=True) as connection:
            connection.execute("update api_keys set created_at = now() - interval '2 d', expires_at = now()")
    else:
        shell.run("rotate", prefix)

    outcome = shell.run("rotate", prefix)

    assert (outcome.exit_code, "KEY005" in outcome.stderr, why in outcome.stderr) == (4, True, True)
    assert "hint:" in outcome.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("nobodys1",), "KEY002"),
        (("nobodys1", "--overlap", "soon"), "KEY003"),
        (("nobodys1", "--overlap", "9999999d"), "KEY003"),
        (("nobodys1", "--overlap", "-1h"), "KEY003"),
    ],
)
def test_what_names_no_key_or_no_time_is_a_usage_error(
    shell: Shell, arguments: tuple[str, ...], code: str
) -> None:
    """Nothing is made."""
    outcome = shell.run("rotate", *arguments)

    assert (outcome.exit_code, code in outcome.stderr) == (2, True), outcome.stderr
    assert shell.data("list") == []


@pytest.mark.slow
def test_the_list_tells_who_still_uses_a_key_that_was_rotated(
    shell: Shell, database: DatabaseAddress
) -> None:
    """Also after its end, so that it is known why somebody is refused now; a use before the rotation is none."""
    quiet, busy = made_prefix(shell), made_prefix(shell)
    for prefix in (quiet, busy):
        shell.run("rotate", prefix, "--overlap", "0s")
    with connect(database, autocommit=True) as connection:
        connection.execute("update api_keys set last_used_at = created_at where prefix = %s", [quiet])
        connection.execute("update api_keys set last_used_at = now() where prefix = %s", [busy])

    outcome = shell.run("list")

    assert f"{busy} (shop) was used" in outcome.stderr
    assert quiet not in outcome.stderr
    used = {each["prefix"]: each["used_since_rotation"] for each in shell.data("list")}
    assert (used[quiet], used[busy]) == (False, True)
    assert set(used.values()) == {False, True, None}


@pytest.mark.slow
@pytest.mark.parametrize("is_done", [True, False])
def test_a_line_that_breaks_at_the_commit_leaves_a_key_that_was_shown_or_nothing(
    shell: Shell, database: DatabaseAddress, *, is_done: bool
) -> None:
    """Where the server had heard of the commit the command finds out, and shows the key all the same."""
    prefix = made_prefix(shell)

    with BreakingLine(database, is_done=is_done, breaks=1) as line:
        outcome = through(line, shell).run("rotate", prefix)

    listed = shell.data("list")
    assert line.has_broken
    assert (outcome.exit_code, len(listed)) == ((0, 2) if is_done else (3, 1)), outcome.stderr
    assert listed[0]["rotated_to"] == prefix_of(outcome.stdout.strip())


def test_where_nobody_can_be_asked_any_more_the_error_says_what_to_look_for(
    shell: Shell, database: DatabaseAddress
) -> None:
    """Exit 3; it names the new key's prefix, under which the list shows whether it was made."""
    prefix = made_prefix(shell)

    with BreakingLine(database, is_done=True, breaks=1_000) as line:
        outcome = through(line, shell).run("rotate", prefix)

    rotated_to = shell.data("list")[0]["rotated_to"]
    assert (outcome.exit_code, "KEY006" in outcome.stderr) == (3, True), outcome.stderr
    assert f"rotated to {rotated_to}" in outcome.stderr


def through(line: BreakingLine, shell: Shell) -> Shell:
    """Return a shell of the same project that reaches the database through the line."""
    return Shell(shell.folder, line.address)
