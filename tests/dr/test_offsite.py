"""The second copy is the first one, object for object; where it cannot be made, the first one goes on."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from opsctl.clients.repository import Repository, StoredObject, missing
from opsctl.clients.repository_folder import FolderRepository
from opsctl.core.clock import SystemClock
from opsctl.core.errors import FailedError, NotReadyError, OpsError
from opsctl.core.events import Event, PhaseAdvanced, PhaseFinished, PhaseStarted, ignore
from opsctl.dr.offsite import Copied, MirroredRepository, copy_missing

PREFIXES = ("wal/", "backups/")
FILES = (
    "backups/20261129T030000Z-full-0a1b2c/1/postgres/base.tar.zst",
    "backups/20261129T030000Z-full-0a1b2c/2/x.zst",
)
MANIFEST = f"backups/20261129T030000Z-full-0a1b2c/manifest@{'0' * 64}.zst"
LOG = f"wal/7/00000001/000000010000000000000003.aa@{'0' * 64}.zst"


class Noting(FolderRepository):
    """A repository that notes in which order things come, and refuses what it is told to."""

    def __init__(self, folder: Path, *, down: frozenset[str] = frozenset()) -> None:
        super().__init__(folder)
        self.order: list[str] = []
        self.down = down

    def put(self, key: str, pieces: Iterable[bytes]) -> StoredObject:
        """Note it and keep it."""
        self._require_up("put")
        self.order.append(key)
        return super().put(key, pieces)

    def delete(self, key: str) -> None:
        """Remove it."""
        self._require_up("delete")
        super().delete(key)

    def _require_up(self, what: str) -> None:
        if what in self.down:
            raise NotReadyError("nobody answers", code="REP005")


@pytest.fixture
def here(tmp_path: Path) -> FolderRepository:
    """Give a repository with a backup, its log, and what is nobody else's business."""
    repository = FolderRepository(tmp_path / "here")
    for key in (*FILES, MANIFEST, LOG, "verified/20261129T030000Z-full-0a1b2c/x"):
        repository.put(key, [key.encode(), b"content"])
    return repository


def contents(repository: Repository) -> dict[str, bytes]:
    """Return everything in a repository."""
    return {found.key: b"".join(repository.get(found.key)) for found in repository.list()}


def copy(here: Repository, there: Repository) -> Copied:
    """Copy as `opsctl dr backup` does."""
    return copy_missing(here, there, prefixes=PREFIXES, listener=ignore, clock=SystemClock())


def test_a_manifest_comes_after_everything_that_it_names(here: FolderRepository, tmp_path: Path):
    """So a copy that breaks off leaves nothing that looks like a backup."""
    there = Noting(tmp_path / "there")

    copied = copy(here, there)

    assert there.order == [LOG, *FILES, MANIFEST]
    assert contents(there) == {key: data for key, data in contents(here).items() if "verified" not in key}
    assert copied == Copied(objects=4, size_bytes=sum(map(len, contents(there).values())))


def test_only_what_is_missing_is_copied(here: FolderRepository, tmp_path: Path):
    """An object under a key never changes; to copy twice copies nothing."""
    there = Noting(tmp_path / "there")
    copy(here, there)
    there.order.clear()
    here.put("wal/7/next", [b"more"])

    assert copy(here, there) == Copied(objects=1, size_bytes=4)
    assert copy(here, there) == Copied(objects=0, size_bytes=0)
    assert there.order == ["wal/7/next"]


def test_what_breaks_off_goes_on_where_it_was(
    here: FolderRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The trouble is told, and what has arrived stays."""
    there = Noting(tmp_path / "there")
    put = there.put

    def once(key: str, pieces: Iterable[bytes]) -> StoredObject:
        if key == FILES[1]:
            raise NotReadyError("nobody answers", code="REP005")
        return put(key, pieces)

    monkeypatch.setattr(there, "put", once)
    with pytest.raises(NotReadyError):
        copy(here, there)
    assert sorted(contents(there)) == sorted([LOG, FILES[0]])

    monkeypatch.setattr(there, "put", put)
    assert copy(here, there).objects == 2
    assert MANIFEST in contents(there)


def test_what_somebody_else_copied_meanwhile_is_no_trouble(
    here: FolderRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Such as the archiver, which mirrors the log all the time."""
    there = Noting(tmp_path / "there")
    listed = there.list

    def before(prefix: str = "") -> Iterable[StoredObject]:
        yield from list(listed(prefix))
        if prefix == "wal/":
            there.put(LOG, here.get(LOG))

    monkeypatch.setattr(there, "list", before)

    copy(here, there)

    assert len(contents(there)) == 4


def test_what_is_removed_here_meanwhile_is_not_missed(
    here: FolderRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """An archiver supersedes pieces of the log all the time; the backup that follows must get there all the same."""
    there = Noting(tmp_path / "there")
    listed = there.list

    def after(prefix: str = "") -> Iterable[StoredObject]:
        yield from list(listed(prefix))
        if prefix == "backups/":
            here.delete(LOG)

    monkeypatch.setattr(there, "list", after)

    assert copy(here, there).objects == 3
    assert sorted(contents(there)) == sorted([*FILES, MANIFEST])


def test_what_is_here_and_cannot_be_read_is_told(
    here: FolderRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """An object that ends early is no object that was removed."""
    get = here.get

    def broken(key: str) -> Iterator[bytes]:
        if key == LOG:
            raise missing(key, place="here", why="it ends 3 bytes early")
        return get(key)

    monkeypatch.setattr(here, "get", broken)

    with pytest.raises(FailedError) as caught:
        copy(here, Noting(tmp_path / "there"))

    assert caught.value.code == "REP003"


def test_a_bar_can_follow_it(here: FolderRepository, tmp_path: Path):
    """Its end is known before it begins, and reached."""
    heard: list[Event] = []

    copied = copy_missing(
        here, Noting(tmp_path / "there"), prefixes=PREFIXES, listener=heard.append, clock=SystemClock()
    )

    (started,) = [event for event in heard if isinstance(event, PhaseStarted)]
    advanced = sum(event.advance for event in heard if isinstance(event, PhaseAdvanced))
    assert started.total == advanced == copied.size_bytes
    assert isinstance(heard[-1], PhaseFinished)
    assert heard[-1].figures == {"objects": 4, "bytes": copied.size_bytes}


def test_a_mirror_keeps_everything_twice(tmp_path: Path):
    """And reads from the first place."""
    here, there = Noting(tmp_path / "here"), Noting(tmp_path / "there")
    told: list[OpsError] = []
    mirror = MirroredRepository(here, there, told=told.append)

    kept = mirror.put("a", iter([b"con", b"tent"]))

    assert contents(here) == contents(there) == {"a": b"content"}
    assert (kept.key, kept.size_bytes, mirror.find("a"), list(mirror.list())) == ("a", 7, kept, [kept])
    assert b"".join(mirror.get("a")) == b"content"
    assert mirror.place == f"{here.place} and {there.place}"
    mirror.delete("a")
    assert (contents(here), contents(there), told) == ({}, {}, [])


def test_a_second_place_that_is_down_is_told_and_holds_nothing_up(tmp_path: Path):
    """Whoever writes goes on; `copy_missing` brings it later."""
    here = Noting(tmp_path / "here")
    there = Noting(tmp_path / "there", down=frozenset({"put", "delete"}))
    told: list[OpsError] = []
    mirror = MirroredRepository(here, there, told=told.append)

    mirror.put("wal/a", [b"content"])
    mirror.put("wal/b", [b"content"])
    mirror.delete("wal/a")

    assert (list(contents(here)), [error.code for error in told]) == (["wal/b"], ["REP005"] * 3)
    there.down = frozenset()
    assert copy(here, there).objects == 1


def test_what_the_second_place_has_already_is_no_trouble(tmp_path: Path):
    """An archiver that starts again puts its last piece once more."""
    here, there = Noting(tmp_path / "here"), Noting(tmp_path / "there")
    there.put("a", [b"content"])
    told: list[OpsError] = []

    MirroredRepository(here, there, told=told.append).put("a", [b"content"])

    assert told == []


def test_an_error_of_the_first_place_goes_through(tmp_path: Path):
    """And nothing is put into the second one alone."""
    here, there = Noting(tmp_path / "here", down=frozenset({"put"})), Noting(tmp_path / "there")
    told: list[OpsError] = []

    with pytest.raises(NotReadyError):
        MirroredRepository(here, there, told=told.append).put("a", [b"content"])

    assert (contents(there), told) == ({}, [])
