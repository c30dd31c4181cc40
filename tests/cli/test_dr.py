"""Whole commands of `opsctl dr`: backups are made, listed, proven, and bring a project back, on this machine or another."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.dr_shop import ITEMS, POINT, Run, Shop, only, run, wait_until

from opsctl.stack.model import PartName
from opsctl.stack.status import stack_status

pytestmark = pytest.mark.stack

LEFT = ITEMS - ITEMS // 3


@pytest.fixture(scope="module")
def made(dr_shop: Shop) -> Shop:
    """Give a project with a full and an incremental backup."""
    return dr_shop


@pytest.fixture(scope="module")
def logical(made: Shop) -> dict[str, Any]:
    """Give the manifest of a logical backup."""
    manifest: dict[str, Any] = made.run("dr", "backup", "--logical").data["manifest"]
    return manifest


@pytest.fixture
def elsewhere(made: Shop) -> Iterator[Path]:
    """Give the name of a folder for a restored project; its stack is stopped, and the folder removed."""
    folder = made.folder / "restored"
    yield folder
    if (folder / "opsctl.yaml").is_file():
        run(folder, "stack", "down")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def empty(made: Shop) -> Iterator[Path]:
    """Give an empty folder, as on a new machine."""
    folder = made.folder / "new-machine"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


def names(found: list[dict[str, str]]) -> list[str]:
    """Return the names of backups."""
    return [each["backup_id"] for each in found]


def test_a_key_is_made_once_and_for_its_owner_only(made: Shop):
    """The secret one goes into the file and nowhere else; it is never written over."""
    done = made.runs["key"]

    assert done.document["schema"] == "opsctl.dr.key/v1"
    assert done.data["recipient"] in made.key.read_text()
    assert "AGE-SECRET-KEY" in made.key.read_text()
    assert "AGE-SECRET-KEY" not in done.stdout + done.stderr
    assert made.key.stat().st_mode & 0o077 == 0
    again = made.run("dr", "key", "--to", str(made.key))
    assert (again.exit_code, again.codes) == (4, ["DRC070"])


@pytest.mark.slow
def test_a_dry_run_says_what_would_be_made_and_makes_nothing(made: Shop):
    """Of the first backup, that there is none to build on."""
    done = made.runs["dry"]

    assert done.document["schema"] == "opsctl.dr.backup_plan/v1"
    assert done.data["kind"] == "full"
    assert done.data["reason"] == "there is none yet"
    assert done.data["encrypted_for"] == 1
    before = names(made.listed())
    assert made.run("dr", "backup", "--dry-run").data["parent"] == before[0]
    assert names(made.listed()) == before


def test_the_first_backup_is_full_and_the_next_one_builds_on_it(made: Shop):
    """Both say what they hold, and are in the ledger."""
    full, incremental = made.runs["full"], made.runs["incremental"]

    assert (full.document["schema"], full.document["ok"], full.stdout[-2:]) == (
        "opsctl.dr.backup/v1",
        True,
        "}\n",
    )
    first, second = full.data["manifest"], incremental.data["manifest"]
    assert (first["kind"], first["parent"]) == ("full", None)
    assert (second["kind"], second["parent"]) == ("incremental", first["backup_id"])
    assert {each["collection"]: each["points"] for each in first["vectors"]}["content"] == ITEMS
    assert {each["collection"]: each["points"] for each in second["vectors"]}["content"] == LEFT
    assert second["base"]["tar"]["stored_bytes"] < first["base"]["tar"]["stored_bytes"] / 2
    assert first["aliases"]
    assert first["aliases"] == second["aliases"]
    kinds = [each["kind"] for each in made.run("evidence", "list").data]
    assert kinds.count("dr.backup") >= 2


def test_what_is_kept_needs_the_key_and_holds_no_secret(made: Shop):
    """Passwords are named, their values are nowhere."""
    manifest = made.runs["full"].data["manifest"]
    password = made.state.database_password_file.read_text().strip()

    assert {each["name"]: each["is_present"] for each in manifest["secrets"]}["backup.key"] is True
    assert all(path.suffix == ".age" for path in (made.repository / "backups").rglob("*") if path.is_file())
    assert password not in json.dumps(manifest)
    assert all(path.stat().st_mode & 0o077 == 0 for path in made.repository.rglob("*") if path.is_file())


@pytest.mark.slow
def test_a_machine_without_the_secret_key_of_the_book_makes_backups_all_the_same(made: Shop):
    """One book serves it and the machine that verifies, where the file is; who needs it is told what is not there."""
    encryption = {
        "recipients": [made.runs["key"].data["recipient"]],
        "identity_file": "secrets/elsewhere.key",
    }
    made.write_book(encryption=encryption)
    try:
        planned, listed = made.run("dr", "backup", "--dry-run"), made.run("dr", "list")
        verified = made.run("dr", "verify")
    finally:
        made.write_book()

    assert (planned.exit_code, listed.exit_code) == (0, 0)
    assert (verified.exit_code, verified.codes) == (2, ["SEA003"])
    assert "secrets/elsewhere.key" in verified.document["findings"][0]["evidence"]


def test_the_list_shows_backups_and_to_which_points_one_can_go(made: Shop):
    """Newest first, on stdout, and nothing else there."""
    found = made.run("dr", "list")
    shown = run(made.root, "dr", "list")

    full, incremental = (made.runs[name].data["manifest"] for name in ("full", "incremental"))
    assert found.document["schema"] == "opsctl.dr.list/v1"
    assert names(found.data["backups"])[-2:] == [incremental["backup_id"], full["backup_id"]]
    assert found.data["window"]["oldest_lsn"] == full["base"]["end_lsn"]
    assert [each["parent"] for each in found.data["backups"]][-2:] == [full["backup_id"], None]
    assert all(each["is_encrypted"] and each["points"] for each in found.data["backups"])
    assert len(found.stdout) < 10_000, "no vectors of golden queries"
    assert found.data["window"]["trouble"] is None
    assert found.data["archiving"]["lost"] is None
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert full["backup_id"] in shown.stdout


def test_a_backup_is_proven_by_a_restore_that_leaves_nothing_behind(made: Shop):
    """The newest with all of the log, which goes on after it; it is marked, and in the ledger."""
    before = {path.name for path in (made.root / ".opsctl").iterdir()}

    done = made.run("dr", "verify")

    (report,) = done.data
    assert done.document["schema"] == "opsctl.dr.verify/v1"
    assert (report["depth"], report["doubts"]) == ("restored", [])
    steps = {each["step"]: each.get("figures", {}) for each in report["steps"]}
    assert list(steps) == [
        *("stored bytes", "database", "start", "snapshots", "replay", "derived", "aliases", "proof")
    ]
    assert steps["snapshots"]["recall"] == 1.0
    assert steps["replay"]["differing"] == 0
    newest = made.listed()[0]
    assert (newest["backup_id"], newest["verified"]["mark"]) == (report["backup_id"], "good")
    assert {path.name for path in (made.root / ".opsctl").iterdir()} <= before | {"evidence"}
    assert made.run("evidence", "list").data[0]["kind"] == "dr.verify"


@pytest.mark.drill
def test_a_project_comes_back_on_a_machine_that_has_nothing_but_the_key(
    made: Shop, empty: Path, elsewhere: Path
):
    """To a moment before rows were deleted: they are there, nothing of later, and the vectors hold the same."""
    before = made.moments["before"].isoformat()
    source = ("--from", str(made.repository), "--identity", str(made.key))

    done = run(empty, "dr", "restore", *source, "--to", before, "--into", str(elsewhere), "--json")

    assert done.exit_code == 0, done.stderr + done.stdout
    assert (done.document["schema"], done.data["doubts"]) == ("opsctl.dr.restore/v1", [])
    assert done.data["backup_id"] == made.runs["full"].data["manifest"]["backup_id"]
    assert run(elsewhere, "stack", "up", "postgres", "vectors").exit_code == 0
    state = stack_status(elsewhere / ".opsctl")
    assert made.rows("select count(*) from content", state=state) == [(ITEMS,)]
    assert made.rows("select count(*) from content where title like 'of late%'", state=state) == [
        (ITEMS // 10,)
    ]
    assert made.points(state=state) == ITEMS
    assert run(elsewhere, "collections", "verify").exit_code == 0
    assert (elsewhere / "ops" / "backup.yaml").read_text() == (made.root / "ops" / "backup.yaml").read_text()
    assert not list(elsewhere.rglob("backup.key"))


@pytest.mark.drill
def test_a_restore_point_from_before_the_newest_backup_is_found_from_an_older_one(
    made: Shop, elsewhere: Path
):
    """Nobody knows beforehand when a name was given; the newest backup cannot go back to it."""
    done = made.run("dr", "restore", "--to", f"name:{POINT}", "--into", str(elsewhere))

    assert (done.exit_code, done.data["doubts"]) == (0, [])
    assert done.data["backup_id"] == made.runs["full"].data["manifest"]["backup_id"]
    assert run(elsewhere, "stack", "up", "postgres", "vectors").exit_code == 0
    state = stack_status(elsewhere / ".opsctl")
    assert made.rows("select count(*) from content", state=state) == [(ITEMS,)]


@pytest.mark.slow
def test_a_restore_writes_over_nothing(made: Shop, elsewhere: Path):
    """A folder with something in it is refused before anything is fetched; a live stack without its name, too."""
    elsewhere.mkdir()
    (elsewhere / "mine.txt").write_text("mine")

    full = made.run("dr", "restore", "--into", str(elsewhere))
    live = made.run("dr", "restore", "--into", "live")
    wrong = made.run("dr", "restore", "--into", "live", "--confirm", "other")
    nowhere = made.run("dr", "restore")
    both = made.run("dr", "restore", "--only", "vectors", "--to", "0/1", "--into", "live")
    alone = made.run("dr", "restore", "--only", "vectors", "--into", str(elsewhere / "new"), "--dry-run")
    inside = made.run("dr", "restore", "--into", str(made.repository / "backups" / "new"), "--dry-run")

    assert [(each.exit_code, each.codes) for each in (full, inside, alone, live, wrong)] == [
        (4, ["DRC068"]),
        (4, ["DRC068"]),
        (4, ["DRC078"]),
        (4, ["DRC067"]),
        (4, ["DRC067"]),
    ]
    assert (nowhere.exit_code, both.exit_code) == (2, 2)
    assert [path.name for path in elsewhere.iterdir()] == ["mine.txt"]
    assert "--confirm shop" in live.stderr


@pytest.mark.parametrize("name", ["", "20301231"])
def test_a_backup_that_is_not_there_cannot_be_left_out(made: Shop, elsewhere: Path, name: str):
    """With a slip of the pen one would get just the backup that is damaged."""
    done = made.run("dr", "restore", "--without", name, "--into", str(elsewhere), "--dry-run")

    assert (done.exit_code, done.codes) == (2, ["DRC060"])


def test_a_plan_says_from_what_it_would_restore_and_touches_nothing(made: Shop, elsewhere: Path):
    """With the room that it needs."""
    into = made.run("dr", "restore", "--into", str(elsewhere), "--dry-run")
    live = made.run("dr", "restore", "--into", "live", "--dry-run")

    assert into.document["schema"] == "opsctl.dr.restore_plan/v1"
    assert into.data["backups"] == [
        made.runs[name].data["manifest"]["backup_id"] for name in ("full", "incremental")
    ]
    assert into.data["space_bytes"] > into.data["fetched_bytes"] > 0
    assert (into.data["replaces"], len(live.data["replaces"])) == ([], 2)
    assert not elsewhere.exists()


@pytest.mark.slow
def test_a_point_that_cannot_be_reached_is_refused_with_how_far_one_can_go(made: Shop, elsewhere: Path):
    """Before the oldest backup, beyond the end of the log, or one that nobody understands."""
    wanted = {
        "2020-01-01T00:00:00Z": (1, "DRC024"),
        "F/FF000000": (1, "DRC025"),
        "2999-01-01T00:00:00Z": (1, "DRC025"),
        "yesterday": (2, "DRC038"),
    }

    for point, (code, error) in wanted.items():
        done = made.run("dr", "restore", "--to", point, "--into", str(elsewhere))
        assert (done.exit_code, done.codes) == (code, [error]), point
    assert not elsewhere.exists()


def test_pruning_says_what_would_go_and_why_the_rest_stays(made: Shop):
    """The book keeps more backups than there are; of the log, what was shipped before the first one began is of no use."""
    before = names(made.listed())

    done = made.run("dr", "prune", "--dry-run")

    assert done.document["schema"] == "opsctl.dr.prune/v1"
    assert done.data["gone"] == []
    assert done.data["objects"] <= 2
    assert sorted(done.data["kept"]) == sorted(before)
    assert names(made.listed()) == before


@pytest.mark.slow
def test_the_archiver_follows_its_book(made: Shop):
    """From the moment on that an off-site copy is named there, the log goes there too, without a restart."""
    before = made.state.part(PartName.ARCHIVER).pid
    offsite = made.folder / "offsite"
    made.write_book(offsite=str(offsite))
    try:
        made.rows("update content set title = title where id % 100 = 1")
        wait_until(lambda: any(offsite.glob("wal/*/*/*")))
        assert made.state.part(PartName.ARCHIVER).pid == before
    finally:
        made.write_book()
        shutil.rmtree(offsite, ignore_errors=True)


@pytest.mark.slow
def test_a_dump_is_loaded_into_an_empty_database(made: Shop, logical: dict[str, Any]):
    """Each table has as many rows as were dumped; what holds something already is refused, untouched."""
    tables = logical["dump"]["tables"]
    assert (logical["kind"], logical["base"], logical["parent"]) == ("logical", None, None)
    assert tables["public.content"] == LEFT
    made.rows("create database loaded template template0")
    url = f"{made.state.database_url.rpartition('/')[0]}/loaded"
    secret = {"OPSCTL_DATABASE_PASSWORD": made.state.database_password_file.read_text().strip()}
    load = ("dr", "load", logical["backup_id"], "--database", url)

    planned = made.run(*load, "--dry-run", environment=secret)
    loaded = made.run(*load, environment=secret)
    again = made.run(*load, environment=secret)

    assert (planned.data["rows"], planned.data["into"]) == (sum(tables.values()), url)
    assert loaded.document["schema"] == "opsctl.dr.load/v1"
    assert loaded.data["tables"] == tables
    assert made.rows("select count(*) from content", database="loaded") == [(LEFT,)]
    assert (again.exit_code, again.codes) == (4, ["DRC032"])


@pytest.mark.slow
def test_roles_of_a_dump_are_written_as_sql_for_its_reader_only(made: Shop, logical: dict[str, Any]):
    """They hold hashes of passwords; nothing is written over."""
    file = made.folder / "roles.sql"

    done = made.run("dr", "load", logical["backup_id"], "--roles", str(file))
    again = made.run("dr", "load", logical["backup_id"], "--roles", str(file))
    neither = made.run("dr", "load", logical["backup_id"])

    assert done.data["size_bytes"] == file.stat().st_size
    assert "CREATE ROLE opsctl" in file.read_text()
    assert file.stat().st_mode & 0o077 == 0
    assert (again.exit_code, again.codes, neither.exit_code) == (4, ["DRC090"], 2)


@pytest.mark.slow
def test_a_dump_has_no_point_to_go_to_and_files_are_not_loaded(
    made: Shop, logical: dict[str, Any], elsewhere: Path
):
    """Each error names the other command; the newest point still comes from the newest copy of the files."""
    full = made.runs["full"].data["manifest"]["backup_id"]

    restored = made.run("dr", "restore", "--backup", logical["backup_id"], "--into", str(elsewhere))
    loaded = made.run("dr", "load", full, "--database", "postgresql://localhost/x")
    planned = made.run("dr", "restore", "--into", str(elsewhere), "--dry-run")

    assert (restored.exit_code, restored.codes) == (2, ["DRC069"])
    assert f"opsctl dr load {logical['backup_id']}" in restored.stderr
    assert (loaded.exit_code, loaded.codes) == (2, ["DRC087"])
    assert logical["backup_id"] not in planned.data["backups"]


@pytest.mark.drill
def test_a_dump_is_proven_by_loading_it_beside_everything_that_runs(made: Shop, logical: dict[str, Any]):
    """Rows of every table, the vectors with their golden queries, and that both say the same."""
    (report,) = made.run("dr", "verify", logical["backup_id"]).data

    assert (report["depth"], report["doubts"]) == ("restored", [])
    figures = {each["step"]: each.get("figures", {}) for each in report["steps"]}
    assert figures["proof"]["rows"] == sum(logical["dump"]["tables"].values())
    assert figures["snapshots"]["points"] >= LEFT
    assert figures["snapshots"]["recall"] == 1.0
    assert figures["replay"]["differing"] == 0
    assert not list((made.root / ".opsctl").glob("verify-*"))


@pytest.mark.slow
def test_where_a_server_is_named_a_backup_is_a_dump(made: Shop):
    """Its files are nobody's to copy, unless that is asked for."""
    server = {"OPSCTL_DATABASE_URL": "postgresql://opsctl@127.0.0.1:9/opsctl"}

    plain = made.run("dr", "backup", "--dry-run", environment=server)
    full = made.run("dr", "backup", "--dry-run", "--full", environment=server)
    both = made.run("dr", "backup", "--full", "--logical")

    assert (plain.data["kind"], full.data["kind"]) == ("logical", "full")
    assert "`database.url`" in plain.data["reason"]
    assert (both.exit_code, both.codes) == (2, ["DRC072"])


@pytest.mark.drill
def test_a_backup_is_proven_on_a_machine_that_has_no_project(made: Shop, empty: Path):
    """With the books that are in it, which say what its vectors were made with; whoever has the mark reads it anywhere."""
    source = ("--from", str(made.repository), "--identity", str(made.key), "--json")
    full = made.runs["full"].data["manifest"]["backup_id"]

    done = run(empty, "dr", "verify", full, *source)

    assert done.exit_code == 0, done.stderr + done.stdout
    assert (done.data[0]["depth"], done.data[0]["doubts"]) == ("restored", [])
    assert made.listed()[-1]["verified"]["mark"] == "good"
    assert not list((empty / ".opsctl").glob("verify-*"))
    assert not (empty / "opsctl.yaml").exists()


@pytest.mark.drill
def test_vectors_alone_are_brought_level_with_the_database_as_it_is(made: Shop):
    """After they were lost, and the truth has gone on since the snapshot, of one item without a trace in the outbox."""
    made.rows("update content set title = 'later still' where id % 50 = 1")
    made.rows("delete from outbox where aggregate = 'content' and aggregate_id = 1")
    (later,) = made.rows("select count(*) from content where title = 'later still'")
    aside = made.root / ".opsctl" / "stack"
    assert made.run("stack", "down", "vectors").exit_code == 0
    for folder in aside.rglob("collections"):
        shutil.rmtree(folder)

    done = made.run("dr", "restore", "--only", "vectors", "--into", "live", "--confirm", "shop")

    assert done.exit_code == 0, done.stderr + done.stdout
    assert done.data["steps"][0]["step"] == "start"
    replay = next(each["figures"] for each in done.data["steps"] if each["step"] == "replay")
    assert replay["written"] == later[0]
    assert made.points() == LEFT
    assert made.run("collections", "verify").exit_code == 0
    assert made.rows("select count(*) from content where title = 'later still'") == [later]


KILLED_BETWEEN_BOTH = """
import os, signal, sys
from opsctl.stack.exchange import Exchange
make = Exchange.make
def make_and_die(exchange, ours):
    make(exchange, ours)
    os.kill(os.getpid(), signal.SIGKILL)
Exchange.make = make_and_die
from opsctl.__main__ import main
main()
"""


@pytest.mark.drill
def test_a_restore_that_is_killed_between_both_stores_is_taken_back(made: Shop):
    """Nothing starts on one store of then and one of now; what was there is all back, also when its scratch folder is gone."""
    before = made.moments["before"].isoformat()
    words = ("dr", "restore", "--to", before, "--into", "live", "--confirm", "shop")
    rows, points = made.rows("select id, title from content order by id"), made.points()

    done = subprocess.run(
        [sys.executable, "-c", KILLED_BETWEEN_BOTH, "--project", str(made.root), *words],
        env={name: value for name, value in os.environ.items() if not name.startswith("OPSCTL_")},
        capture_output=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    refused, pruned = made.run("stack", "up"), made.run("dr", "prune", "--replaced")
    shutil.rmtree(only(list((made.root / ".opsctl").glob("restore-*"))))
    back = made.run("stack", "up", "postgres", "vectors", "--take-back")

    assert (refused.exit_code, refused.codes, pruned.codes) == (4, ["STK016"], ["STK016"])
    assert back.exit_code == 0, back.stderr + back.stdout
    assert (made.rows("select id, title from content order by id"), made.points()) == (rows, points)


@pytest.mark.drill
def test_a_live_stack_is_replaced_by_its_name_and_what_was_there_is_kept(made: Shop):
    """To before the rows were deleted; passwords stay, the next backup stands by itself, and what was there can be removed."""
    password = made.state.database_password_file.read_text()
    before = made.moments["before"].isoformat()

    done = made.run("dr", "restore", "--to", before, "--into", "live", "--confirm", "shop")

    assert done.exit_code == 0, done.stderr + done.stdout
    assert made.rows("select count(*) from content") == [(ITEMS,)]
    assert made.points() == ITEMS
    assert made.run("collections", "verify").exit_code == 0
    assert made.state.database_password_file.read_text() == password
    assert not list((made.root / ".opsctl").glob("restore-*"))

    following: Run = made.run("dr", "backup")
    assert following.data["manifest"]["kind"] == "full"
    planned = made.run("dr", "prune", "--replaced", "--dry-run").data["replaced"]
    assert len(planned) >= 2
    assert all(Path(path).is_dir() for path in planned)
    assert made.run("dr", "prune", "--replaced").data["replaced"] == planned
    assert not any(Path(path).exists() for path in planned)
