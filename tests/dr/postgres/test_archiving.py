"""An archiver whose server is gone ships what it has received, and never says that all is shipped where it is not."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.dr.postgres.history import vault_of
from tests.dr.postgres.segments import SIZE, SYSTEM, segment_content
from tests.fakes.clock import FakeClock

from opsctl.clients.postgres import DatabaseAddress
from opsctl.clients.postgres_programs import PostgresPrograms
from opsctl.clients.repository_folder import FolderRepository
from opsctl.core.errors import NotReadyError
from opsctl.dr.archiver.archiving import Archiving
from opsctl.dr.archiver.probe import Probe
from opsctl.dr.archiver.receiver import Receiver
from opsctl.dr.archiver.settings import ArchivePlace, ArchiverSettings
from opsctl.dr.archiver.spool import segment_bytes_in
from opsctl.dr.archiver.status import read_status
from opsctl.dr.postgres.archive import read_archive
from opsctl.dr.postgres.wal import Segment

GONE = DatabaseAddress(url="postgresql://archiver@127.0.0.1:1/postgres", password=None)
SEGMENT = Segment(1, 5)


@dataclass(slots=True)
class Scene:
    """A spool whose server is gone, and a repository."""

    folder: Path
    clock: FakeClock = field(default_factory=FakeClock)

    @property
    def spool(self) -> Path:
        """Return the spool."""
        return self.folder / "spool"

    @property
    def partial(self) -> Path:
        """Return the segment that was being written."""
        return self.spool / SYSTEM / f"{SEGMENT.name(SIZE)}.partial"

    def archiving(self) -> Archiving:
        """Return an archiver that begins now."""
        repository = FolderRepository(self.folder / "repository")
        settings = ArchiverSettings(spool=self.spool)
        return Archiving(
            settings,
            place=ArchivePlace(vault=vault_of(self.folder / "repository"), discard=repository.delete),
            probe=Probe(GONE, slot=settings.slot),
            receiver=Receiver(
                programs=PostgresPrograms(folder=None),
                address=GONE,
                slot=settings.slot,
                work=self.spool,
                clock=self.clock,
            ),
            clock=self.clock,
        )

    def archived(self) -> list[Segment]:
        """Return the segments of which something is in the repository."""
        vault = vault_of(self.folder / "repository")
        return list(read_archive(vault, system_identifier=SYSTEM, segment_bytes=SIZE).pieces)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """Give a spool with a folder of the server, empty."""
    (tmp_path / "spool" / SYSTEM).mkdir(parents=True)
    return Scene(tmp_path)


def test_what_is_no_whole_segment_is_shipped_without_its_server(scene: Scene):
    """It is the newest there is of a server that is gone: a restore waits for it."""
    scene.partial.write_bytes(segment_content(SEGMENT, b"x" * 5000))
    archiving = scene.archiving()

    archiving.turn()

    assert scene.archived() == [SEGMENT]
    assert archiving.status().waiting_bytes == 0
    assert archiving.end()


def test_what_does_not_tell_its_size_waits_and_is_not_said_to_be_shipped(scene: Scene):
    """As soon as the server is back it says how large segments are."""
    scene.partial.write_bytes((b"damaged" * 100).ljust(SIZE, b"\0"))
    archiving = scene.archiving()

    archiving.turn()

    assert archiving.status().waiting_bytes == 700
    assert not archiving.end()


@pytest.mark.parametrize("length", [0, 4096, SIZE])
def test_a_segment_that_is_only_being_made_holds_nothing(scene: Scene, length: int):
    """It is filled with zeros first; a full disk or a kill leaves a part of them."""
    scene.partial.write_bytes(bytes(length))
    archiving = scene.archiving()

    archiving.turn()

    assert archiving.end()
    assert segment_bytes_in(scene.partial.parent) == 0


def test_a_segment_that_is_being_made_does_not_hide_the_size_of_the_others(scene: Scene):
    """Its own length is not that of a segment yet."""
    following = Segment(1, 6).name(SIZE)
    scene.partial.write_bytes(segment_content(SEGMENT, b"x" * 5000))
    (scene.partial.parent / f"{following}.partial").write_bytes(bytes(4096))
    archiving = scene.archiving()

    archiving.turn()

    assert scene.archived() == [SEGMENT]
    assert archiving.end()


def test_a_note_that_is_damaged_is_refused(tmp_path: Path) -> None:
    """One that is not there is none."""
    (tmp_path / "status.json").write_text('{"noted_at": 1}')

    assert read_status(tmp_path / "other.json") is None
    with pytest.raises(NotReadyError) as raised:
        read_status(tmp_path / "status.json")
    assert raised.value.code == "DRC036"
