"""The second copy is the first one, object for object; where it cannot be made, the first one goes on."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from tests.fakes.clock import FakeClock

from opsctl.clients.repository import Repository, StoredObject, missing
from opsctl.clients.repository_folder import FolderRepository
from opsctl.core.clock import SystemClock
from opsctl.core.errors import FailedError, NotReadyError, OpsError
from opsctl.core.events import Event, PhaseAdvanced, PhaseFinished, PhaseStarted, ignore
from opsctl.dr.offsite import Copied, MirroredRepository, copy_missing

TIMEOUT_SECONDS = 15.0
PREFIXES = ("wal/", "backups/")
FILES = (
    "backups/20261129T030000Z-full-0a1b2c/1/postgres/base.tar.zst",
    "backups/20261129T030000Z-full-0a1b2c/2/x.zst",
)
MANIFEST = f"backups/20261129T030000Z-full-0a1b2c/manifest@{'0' * 64}.zst"
LOG = f"wal/7/00000001/000000010000000000000003.aa@{'0' * 64}.zst"


class Noting(FolderRepository):
    """A repository that notes in which order things come, and refuses what it is told to.

    Args:
        folder: where things are.
        down: calls that nobody answers.
        refused: a key that cannot be put.
        broken: a key that ends early when it is read.
        listed: is called with each prefix once it is listed to the end, as somebody who works beside us.
    """

    def __init__(
        self,
        folder: Path,
        *,
        down: frozenset[str] = frozenset(),
        refused: str = "",
        broken: str = "",
        listed: Callable[[str], object] = str,
    ) -> None:
        super().__init__(folder)
        self.order: list[str] = []
        self.down, self.refused, self.broken, self.listed = down, refused, broken, listed

    def get(self, key: str) -> Iterator[bytes]:
        """Return what is kept, if it is whole."""
        if key == self.broken:
            raise missing(key, place="here", why="it ends 3 bytes early")
        return super().get(key)

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """Yield what is there; then others go on."""
        yield from [*super().list(prefix)]
        self.listed(prefix)

    def put(self, key: str, pieces: Iterable[bytes]) -> StoredObject:
        """Note it and keep it."""
        self._require_up("put")
        if key == self.refused:
            raise NotReadyError("nobody answers", code="REP005")
        self.order.append(key)
        return super().put(key, pieces)

    def delete(self, key: str) -> None:
        """Remove it."""
        self._require_up("delete")
        super().delete(key)

    def _require_up(self, what: str) -> None:
        if what in self.down:
            raise NotReadyError("nobody answers", code="REP005")


class Silent(FolderRepository):
    """A repository that does not answer while it is silent: each call costs a time-out."""

    def __init__(
        self, folder: Path, *, clock: FakeClock, is_silent: bool = True, put_seconds: float = 0.0
    ) -> None:
        super().__init__(folder)
        self.is_silent, self.put_seconds, self.clock = is_silent, put_seconds, clock

    def put(self, key: str, pieces: Iterable[bytes]) -> StoredObject:
        """Keep it, where we answer."""
        self._answer(self.put_seconds)
        return super().put(key, pieces)

    def delete(self, key: str) -> None:
        """Remove it, where we answer."""
        self._answer(0.0)
        super().delete(key)

    def _answer(self, seconds: float) -> None:
        self.clock.sleep(TIMEOUT_SECONDS if self.is_silent else seconds)
        if self.is_silent:
            raise NotReadyError("no answer", code="REP008")


def mirrored(
    here: Repository, there: Repository, *, told: list[str] | None = None, clock: FakeClock | None = None
) -> MirroredRepository:
    """Return both places as one; what is told goes into a list."""
    heard = [] if told is None else told

    def tell(error: OpsError, waiting: int) -> None:
        heard.append(f"{error.code}, {waiting} waits")

    return MirroredRepository(here, there, told=tell, clock=clock or FakeClock())


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


def test_what_breaks_off_goes_on_where_it_was(here: FolderRepository, tmp_path: Path):
    """The trouble is told, and what has arrived stays."""
    there = Noting(tmp_path / "there", refused=FILES[1])
    with pytest.raises(NotReadyError):
        copy(here, there)
    assert sorted(contents(there)) == sorted([LOG, FILES[0]])

    there.refused = ""
    assert copy(here, there).objects == 2
    assert MANIFEST in contents(there)


def test_what_somebody_else_copied_meanwhile_is_no_trouble(here: FolderRepository, tmp_path: Path):
    """Such as the archiver, which mirrors the log all the time."""
    there = Noting(tmp_path / "there")
    there.listed = lambda prefix: prefix == "wal/" and there.put(LOG, here.get(LOG))

    copy(here, there)

    assert len(contents(there)) == 4


def test_what_is_removed_here_meanwhile_is_not_missed(here: FolderRepository, tmp_path: Path):
    """An archiver supersedes pieces of the log all the time; the backup that follows must get there all the same."""

    def superseded(prefix: str) -> None:
        if prefix == "backups/":
            here.delete(LOG)

    there = Noting(tmp_path / "there", listed=superseded)

    assert copy(here, there).objects == 3
    assert sorted(contents(there)) == sorted([*FILES, MANIFEST])


def test_what_is_here_and_cannot_be_read_is_told(here: FolderRepository, tmp_path: Path):
    """An object that ends early is no object that was removed."""
    half = Noting(Path(here.place), broken=LOG)

    with pytest.raises(FailedError) as caught:
        copy(half, Noting(tmp_path / "there"))

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
    told: list[str] = []
    mirror = mirrored(here, there, told=told)

    kept = mirror.put("a", iter([b"con", b"tent"]))

    assert contents(here) == contents(there) == {"a": b"content"}
    assert (kept.key, kept.size_bytes, mirror.find("a"), list(mirror.list())) == ("a", 7, kept, [kept])
    assert b"".join(mirror.get("a")) == b"content"
    assert mirror.place == f"{here.place} and {there.place}"
    mirror.delete("a")
    assert (contents(here), contents(there), told) == ({}, {}, [])


def test_a_second_place_that_is_down_is_told_and_holds_nothing_up(tmp_path: Path):
    """Whoever writes goes on after one time-out; `copy_missing` brings it later."""
    here, clock, told = Noting(tmp_path / "here"), FakeClock(), list[str]()
    there = Silent(tmp_path / "there", clock=clock)
    mirror = mirrored(here, there, told=told, clock=clock)

    for number in range(100):
        mirror.put(f"wal/{number:02}", [b"content"])
    for number in range(99):
        mirror.delete(f"wal/{number:02}")

    assert clock.seconds == pytest.approx(TIMEOUT_SECONDS, abs=0.1)
    assert (list(contents(here)), told) == (["wal/99"], ["REP008, 1 waits"])
    there.is_silent = False
    assert copy(here, there).objects == 1


def test_the_longer_it_is_down_the_less_it_is_asked(tmp_path: Path):
    """An outage of an hour costs the archiver, which puts something twice a minute, a few time-outs; each is told."""
    clock, told = FakeClock(), list[str]()
    mirror = mirrored(
        Noting(tmp_path / "here"), Silent(tmp_path / "there", clock=clock), told=told, clock=clock
    )

    for number in range(120):
        mirror.put(f"wal/{number:03}", [b"content"])
        clock.sleep(30)

    assert len(told) < 25
    assert told[:3] == ["REP008, 1 waits", "REP008, 2 waits", "REP008, 3 waits"]


def test_what_the_second_place_has_missed_follows_when_it_is_back(tmp_path: Path):
    """Removals too: no hole is left in the log there until the next backup."""
    here, clock = Noting(tmp_path / "here"), FakeClock()
    there = Silent(tmp_path / "there", clock=clock, is_silent=False)
    mirror = mirrored(here, there, clock=clock)
    mirror.put("wal/piece", [b"a"])
    there.is_silent = True
    mirror.put("wal/segment", [b"whole"])
    mirror.put("wal/short-lived", [b"b"])
    mirror.delete("wal/piece")
    mirror.delete("wal/short-lived")

    there.is_silent = False
    clock.sleep(301)
    mirror.put("wal/next", [b"c"])

    assert contents(there) == contents(here) == {"wal/segment": b"whole", "wal/next": b"c"}


def test_nothing_is_removed_there_before_what_takes_its_place_is_there(tmp_path: Path):
    """However the first try after an outage goes: with the first site lost just then, the log there has no hole."""
    here, clock = Noting(tmp_path / "here"), FakeClock()
    there = Noting(tmp_path / "there")
    mirror = mirrored(here, there, clock=clock)
    mirror.put("wal/piece", [b"a"])
    there.down = frozenset({"put", "delete"})
    for key in ("wal/longer", "wal/next"):
        mirror.put(key, [b"ab"])
        clock.sleep(301)
    mirror.delete("wal/piece")

    there.down = frozenset({"delete"})
    clock.sleep(301)
    mirror.catch_up()

    assert contents(there).keys() == {"wal/piece", "wal/longer", "wal/next"}
    there.down = frozenset()
    clock.sleep(301)
    mirror.catch_up()
    assert contents(there) == contents(here)


def test_catching_up_takes_a_second_at_a_time(tmp_path: Path):
    """The first place is not held up by what the second one has missed either."""
    clock = FakeClock()
    there = Silent(tmp_path / "there", clock=clock, put_seconds=0.4)
    mirror = mirrored(Noting(tmp_path / "here"), there, clock=clock)
    for number in range(10):
        mirror.put(f"wal/{number}", [b"content"])
    there.is_silent = False
    clock.sleep(301)

    began = clock.seconds
    mirror.put("wal/a", [b"content"])

    assert clock.seconds - began < 1.5
    assert len(contents(there)) == 3
    for number in range(4):
        mirror.put(f"wal/b{number}", [b"content"])
    assert contents(there).keys() == contents(mirror).keys()


def test_an_object_that_is_never_taken_does_not_keep_the_others(tmp_path: Path):
    """It comes last at the next try."""
    here, there, clock = Noting(tmp_path / "here"), Noting(tmp_path / "there", refused="a"), FakeClock()
    mirror = mirrored(here, there, clock=clock)

    for key in ("a", "b", "c"):
        mirror.put(key, [b"content"])
        clock.sleep(301)

    assert list(contents(there)) == ["b"]


def test_too_much_that_waits_is_left_to_the_next_backup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The oldest first: memory has an end, an outage may have none."""
    monkeypatch.setattr("opsctl.dr.offsite._MOST_OWED", 2)
    here, clock = Noting(tmp_path / "here"), FakeClock()
    there = Silent(tmp_path / "there", clock=clock)
    mirror = mirrored(here, there, clock=clock)
    for key in ("a", "b", "c"):
        mirror.put(key, [b"content"])

    there.is_silent = False
    clock.sleep(301)
    mirror.put("d", [b"content"])

    assert sorted(contents(there)) == ["c", "d"]


def test_a_second_place_from_which_nothing_may_be_removed_goes_on_to_take(tmp_path: Path):
    """So an off-site bucket should be: that it refuses is told, and is no outage."""

    class Kept(Noting):
        def delete(self, key: str) -> None:
            raise NotReadyError("refuses the access key", code="REP007")

    told: list[str] = []
    there = Kept(tmp_path / "there")
    mirror = mirrored(Noting(tmp_path / "here"), there, told=told)

    mirror.put("a", [b"content"])
    mirror.delete("a")
    mirror.put("b", [b"content"])

    assert (sorted(contents(there)), told) == (["a", "b"], ["REP007, 0 waits"])


def test_what_is_damaged_here_is_told_and_not_tried_again(tmp_path: Path):
    """No waiting makes it whole."""
    told: list[str] = []
    mirror = mirrored(Noting(tmp_path / "here", broken="a"), Noting(tmp_path / "there"), told=told)

    mirror.put("a", [b"content"])
    mirror.put("b", [b"content"])

    assert told == ["REP003, 0 waits"]


def test_what_the_second_place_has_already_is_no_trouble(tmp_path: Path):
    """An archiver that starts again puts its last piece once more."""
    here, there = Noting(tmp_path / "here"), Noting(tmp_path / "there")
    there.put("a", [b"content"])
    told: list[str] = []

    mirrored(here, there, told=told).put("a", [b"content"])

    assert told == []


def test_an_error_of_the_first_place_goes_through(tmp_path: Path):
    """And nothing is put into the second one alone."""
    here, there = Noting(tmp_path / "here", down=frozenset({"put"})), Noting(tmp_path / "there")
    told: list[str] = []

    with pytest.raises(NotReadyError):
        mirrored(here, there, told=told).put("a", [b"content"])

    assert (contents(there), told) == ({}, [])
