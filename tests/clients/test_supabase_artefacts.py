"""Artefacts: one contract for the folder, Supabase Storage of Supabase Lite, and a stand-in for the hosted one."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
from tests.clients.supabase_standin import SECRET_KEY, StandIn, running_standin
from tests.conftest import EmbeddedPostgres
from tests.supabase_lite.server import SupabaseLite, running_lite, why_missing

from opsctl.clients.artefacts import (
    Artefact,
    ArtefactStore,
    checked_name,
    choose,
    digest_of,
    key_of,
    parse_key,
)
from opsctl.clients.artefacts_folder import FolderArtefacts
from opsctl.clients.artefacts_supabase import SupabaseArtefacts
from opsctl.clients.postgres import connect
from opsctl.clients.supabase import SupabasePlace, open_supabase
from opsctl.core.errors import OpsError

needs_lite = pytest.mark.skipif(why_missing() is not None, reason=f"{why_missing()}")


@pytest.fixture(scope="module")
def lite(
    embedded_postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SupabaseLite]:
    """Give Supabase Lite on a database of its own."""
    with (
        embedded_postgres.new_database() as database,
        running_lite(database, folder=tmp_path_factory.mktemp("lite")) as server,
    ):
        yield server


@pytest.fixture
def standin() -> Iterator[StandIn]:
    """Give the stand-in for hosted Supabase."""
    with running_standin() as state:
        yield state


def _place(standin: StandIn, *, key: str = SECRET_KEY) -> SupabasePlace:
    return SupabasePlace(url=standin.url, key=key, timeout_seconds=0.3)


@pytest.fixture(params=["folder", "standin", pytest.param("lite", marks=[needs_lite, pytest.mark.stack])])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ArtefactStore]:
    """Give each place of artefacts, empty."""
    if request.param == "folder":
        yield FolderArtefacts(tmp_path / "home" / "artefacts")
        return
    if request.param == "standin":
        place = _place(request.getfixturevalue("standin"))
    else:
        server = request.getfixturevalue("lite")
        place = SupabasePlace(url=server.url, key=server.secret_key)
    bucket = "opsctl" if request.param == "standin" else f"b{os.urandom(4).hex()}"
    with open_supabase(place) as project:
        if request.param == "lite":
            project.client.storage.create_bucket(bucket)
        yield SupabaseArtefacts(project, bucket=bucket)


def _write(path: Path, content: bytes = b"hello artefact\n") -> Path:
    path.write_bytes(content)
    return path


def _refusal(work: Callable[[], object]) -> OpsError:
    with pytest.raises(OpsError) as caught:
        work()
    return caught.value


@pytest.mark.parametrize("content", [b"", b"\0\xff\r\n--boundary\r\n" * 9, os.urandom(3_000_000)])
def test_what_is_put_comes_back_byte_for_byte(store: ArtefactStore, tmp_path: Path, content: bytes) -> None:
    """Empty, awkward and larger than any buffer."""
    source, target = _write(tmp_path / "a.bin", content), tmp_path / "sub" / "back.bin"

    put = store.put(source, name="a.bin")
    store.get(put, target=target)

    assert target.read_bytes() == content
    assert (put.name, put.sha256, put.size_bytes) == ("a.bin", *digest_of(source))
    assert [path.name for path in target.parent.iterdir()] == ["back.bin"]


def test_the_same_content_twice_is_one_artefact(store: ArtefactStore, tmp_path: Path) -> None:
    """Putting again is no error and no copy."""
    source = _write(tmp_path / "a.txt")

    first, second = store.put(source, name="a.txt"), store.put(source, name="a.txt")

    assert first == second
    assert list(store.entries()) == [first]


class Changing(SupabaseArtefacts):
    """A bucket beside a file that somebody writes while it is uploaded."""

    def _upload(self, path: Path, *, key: str) -> bool:
        is_ours = super()._upload(path, key=key)
        path.write_bytes(b"something else")
        return is_ours


def test_a_file_that_changes_while_it_is_uploaded_is_not_kept(standin: StandIn, tmp_path: Path) -> None:
    """Its object may hold anything, which its name would not tell."""
    with open_supabase(_place(standin)) as project:
        store = Changing(project, bucket="opsctl")

        refusal = _refusal(lambda: store.put(_write(tmp_path / "a.txt"), name="a.txt"))

        assert "changed" in refusal.message
        assert list(store.entries()) == []


def test_what_was_there_before_a_file_changed_stays(standin: StandIn, tmp_path: Path) -> None:
    """It was put by somebody whose file did not change."""
    with open_supabase(_place(standin)) as project:
        kept = SupabaseArtefacts(project, bucket="opsctl").put(_write(tmp_path / "a.txt"), name="a.txt")
        store = Changing(project, bucket="opsctl")

        _refusal(lambda: store.put(_write(tmp_path / "a.txt"), name="a.txt"))

        assert list(store.entries()) == [kept]


def test_a_name_can_stand_for_several_contents_and_none_is_lost(store: ArtefactStore, tmp_path: Path) -> None:
    """A name that begins like another one is another one."""
    for number in range(3):
        store.put(_write(tmp_path / "x", b"%d" % number), name="report.html")
    store.put(_write(tmp_path / "x", b"other"), name="report.html.old")

    entries = store.entries()
    wanted = digest_of(_write(tmp_path / "x", b"1"))[0]
    store.get(choose(entries, name="report.html", digest=wanted[:8]), target=tmp_path / "back")

    assert len(entries) == 4
    assert (tmp_path / "back").read_bytes() == b"1"
    assert datetime.now(UTC) - max(each.stored_at for each in entries) < timedelta(days=3650)


def test_nothing_is_overwritten_by_get(store: ArtefactStore, tmp_path: Path) -> None:
    """The same content is no conflict."""
    put = store.put(_write(tmp_path / "a.txt"), name="a.txt")
    store.get(put, target=tmp_path / "a.txt")

    refusal = _refusal(lambda: store.get(put, target=_write(tmp_path / "mine", b"mine")))

    assert (refusal.code, (tmp_path / "mine").read_bytes()) == ("ART005", b"mine")


def test_a_name_that_could_be_a_path_is_refused(store: ArtefactStore, tmp_path: Path) -> None:
    """Everywhere the same names, and before anything is written."""
    source = _write(tmp_path / "a")
    names = [
        "",
        "..",
        ".hidden",
        "a/b",
        "../a",
        "/etc/passwd",
        "a b",
        "a\n",
        "a@b",
        "é",
        "a" * 161,
        "a\\b",
        "a%2fb",
    ]

    codes = [_refusal(partial(store.put, source, name=name)).code for name in names]

    assert (codes, list(store.entries())) == (["ART001"] * len(names), [])


def test_a_file_that_is_not_there_is_refused(store: ArtefactStore, tmp_path: Path) -> None:
    """And a folder is no file."""
    codes = [_refusal(partial(store.put, path, name="a")).code for path in (tmp_path / "no", tmp_path)]

    assert codes == ["FIL004", "FIL004"]


def test_what_is_gone_is_told_and_leaves_no_file(store: ArtefactStore, tmp_path: Path) -> None:
    """Somebody removed it after it was listed."""
    gone = Artefact(name="a.txt", sha256="0" * 64, size_bytes=1, stored_at=datetime.now(UTC))

    refusal = _refusal(lambda: store.get(gone, target=tmp_path / "back"))

    assert refusal.code in ("ART003", "SUP010")
    assert list(tmp_path.glob("*")) in ([], [tmp_path / "home"])


def test_the_newest_of_a_name_is_chosen() -> None:
    """Unless a digest says otherwise."""
    entries = [
        Artefact(name="a", sha256=digit * 64, size_bytes=1, stored_at=datetime(2026, 1, day, tzinfo=UTC))
        for day, digit in ((9, "b"), (1, "a"))
    ]

    assert choose(entries, name="a").sha256[0] == "b"
    assert choose(entries, name="a", digest="a").sha256[0] == "a"
    assert _refusal(lambda: choose(entries, name="a", digest="c")).code == "ART002"
    assert _refusal(lambda: choose(entries, name="b")).code == "ART002"


def test_a_key_tells_name_and_digest_and_nothing_else_is_a_key() -> None:
    """Other people's objects are left alone."""
    assert parse_key(key_of(checked_name("a-1.tar.gz"), sha256="0" * 64)) == ("a-1.tar.gz", "0" * 64)
    assert [parse_key(key) for key in ("a.txt", "a@b", f"../a@{'0' * 64}", f"a@{'0' * 65}")] == [None] * 4


def test_bytes_altered_in_the_folder_are_caught_and_mended_by_putting_again(tmp_path: Path) -> None:
    """The digest is part of the name of the file."""
    store, source = FolderArtefacts(tmp_path / "kept"), _write(tmp_path / "a.txt")
    put = store.put(source, name="a.txt")
    (tmp_path / "kept" / put.key).write_bytes(b"hellO artefact\n")

    refusal = _refusal(lambda: store.get(put, target=tmp_path / "back"))
    store.put(source, name="a.txt")
    store.get(put, target=tmp_path / "back")

    assert refusal.code == "ART003"
    assert (tmp_path / "back").read_bytes() == source.read_bytes()


def test_bytes_altered_in_the_bucket_are_caught(standin: StandIn, tmp_path: Path) -> None:
    """No file appears, not even a temporary one."""
    with open_supabase(_place(standin)) as project:
        store = SupabaseArtefacts(project, bucket="opsctl")
        put = store.put(_write(tmp_path / "a.txt"), name="a.txt")
        standin.objects[put.key] = b""

        refusal = _refusal(lambda: store.get(put, target=tmp_path / "back"))

    assert (refusal.code, "0 bytes with SHA-256" in str(refusal.why)) == ("ART003", True)
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize(
    ("fault", "put_code", "get_code"),
    [
        ("html", "SUP006", "ART003"),
        ("redirect", "SUP006", "SUP006"),
        ("busy", "SUP012", "SUP012"),
        ("slow", "SUP008", "SUP008"),
        ("too_large", "SUP011", None),
        ("cut", None, "ART003"),
    ],
)
def test_each_fault_of_the_storage_has_its_own_error(
    standin: StandIn, tmp_path: Path, fault: str, put_code: str | None, get_code: str | None
) -> None:
    """Nothing half-done is taken for done."""
    with open_supabase(_place(standin)) as project:
        store = SupabaseArtefacts(project, bucket="opsctl")
        put = store.put(_write(tmp_path / "a.txt"), name="a.txt")
        standin.fault = fault

        if put_code:
            other = _write(tmp_path / "b.txt", b"b")
            assert _refusal(lambda: store.put(other, name="b.txt")).code == put_code
        if get_code:
            assert _refusal(lambda: store.get(put, target=tmp_path / "back")).code == get_code
    assert not (tmp_path / "back").exists()


def test_a_bucket_that_is_not_there_is_told(standin: StandIn, tmp_path: Path) -> None:
    """Also by the list, which the stand-in answers with nothing."""
    with open_supabase(_place(standin)) as project:
        store = SupabaseArtefacts(project, bucket="nowhere")
        codes = {
            _refusal(store.entries).code,
            _refusal(lambda: store.put(_write(tmp_path / "a"), name="a")).code,
        }

    assert codes == {"SUP009"}


def test_a_wrong_key_is_told_and_never_shown(standin: StandIn, tmp_path: Path) -> None:
    """Neither in the message nor in the place."""
    with open_supabase(_place(standin, key="sb_secret_wrong")) as project:
        refusal = _refusal(
            lambda: SupabaseArtefacts(project, bucket="opsctl").put(_write(tmp_path / "a"), name="a")
        )

    assert refusal.code in ("SUP005", "SUP006")
    assert "wrong" not in f"{refusal} {refusal.why} {project.place}"


@needs_lite
@pytest.mark.stack
def test_the_errors_of_supabase_lite(lite: SupabaseLite, tmp_path: Path) -> None:
    """No such bucket, a publishable key under row level security, a wrong key, nobody there."""
    source = _write(tmp_path / "a")
    cases = [
        (lite.url, lite.secret_key, "SUP009"),
        (lite.url, lite.publishable_key, "SUP009"),
        (lite.url, "eyJhbGciOiJIUzI1NiJ9.e30.AAAA", "SUP005"),
        ("http://127.0.0.1:9", lite.secret_key, "SUP004"),
    ]

    seen = []
    for url, key, _ in cases:
        with open_supabase(SupabasePlace(url=url, key=key)) as project:
            store = SupabaseArtefacts(project, bucket="nowhere")
            seen.append(_refusal(partial(store.put, source, name="a")).code)

    assert seen == [code for _, _, code in cases]


@pytest.mark.drill
@needs_lite
@pytest.mark.stack
def test_a_download_without_a_body_is_caught(embedded_postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    """Supabase Lite 0.10 as it is, on a Node before 22.17: headers, then nothing. A later Node gives the bytes."""
    (tmp_path / "lite").mkdir()
    with (
        embedded_postgres.new_database() as database,
        running_lite(database, folder=tmp_path / "lite", as_it_is=True) as server,
        open_supabase(SupabasePlace(url=server.url, key=server.secret_key)) as project,
    ):
        project.client.storage.create_bucket("plain")
        store = SupabaseArtefacts(project, bucket="plain")
        put = store.put(_write(tmp_path / "a.txt"), name="a.txt")
        outcome = SimpleNamespace(code=None)
        try:
            store.get(put, target=tmp_path / "back")
        except OpsError as error:
            outcome.code = error.code

    arrived = (tmp_path / "back").read_bytes() if (tmp_path / "back").exists() else None
    assert (outcome.code, arrived) in (("ART003", None), (None, b"hello artefact\n"))


@needs_lite
@pytest.mark.stack
def test_row_level_security_of_the_storage_refuses_a_publishable_key(
    lite: SupabaseLite, tmp_path: Path
) -> None:
    """A bucket that is there, and a key that may not write to it."""
    with open_supabase(SupabasePlace(url=lite.url, key=lite.secret_key)) as project:
        project.client.storage.create_bucket("guarded")
    with open_supabase(SupabasePlace(url=lite.url, key=lite.publishable_key)) as project:
        store = SupabaseArtefacts(project, bucket="guarded")
        refusal = _refusal(lambda: store.put(_write(tmp_path / "a"), name="a"))

    assert (refusal.code, "row-level security" in str(refusal.why)) == ("SUP005", True)
    with connect(lite.database) as connection, pytest.raises(psycopg.errors.UndefinedTable):
        connection.execute("select from public.objects")
