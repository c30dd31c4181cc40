"""The archiver's shipping loses nothing, whenever it is killed, and keeps no more than is needed."""

import tempfile
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.dr.postgres.history import vault_of
from tests.dr.postgres.segments import SIZE, SYSTEM, segment_content

from opsctl.core.errors import FailedError, NotReadyError, RefusedError
from opsctl.dr.archiver.shipping import Shipper
from opsctl.dr.archiver.spool import Spool, written_end
from opsctl.dr.postgres.archive import WalArchive, piece_name, prefix_of, read_archive
from opsctl.dr.postgres.archive_reading import read_segment
from opsctl.dr.postgres.wal import Segment

FIRST = Segment(1, 7)


@dataclass(slots=True)
class Shipping:
    """A spool and a repository; `ship` may be told to fail."""

    folder: Path
    is_broken: bool = False
    keeps_everything: bool = False
    written: dict[Segment, bytes] = field(default_factory=dict)
    shipper: Shipper = field(init=False)

    def __post_init__(self) -> None:
        """Begin."""
        (self.folder / "spool").mkdir(exist_ok=True)
        self.kill()

    @property
    def spool(self) -> Spool:
        """Return the spool."""
        return Spool(folder=self.folder / "spool", segment_bytes=SIZE)

    @property
    def archive(self) -> WalArchive:
        """Return what is in the repository."""
        return read_archive(vault_of(self.repository), system_identifier=SYSTEM, segment_bytes=SIZE)

    @property
    def repository(self) -> Path:
        """Return where the repository is."""
        return self.folder / "repository"

    def kill(self) -> None:
        """Have another process begin where the killed one was."""
        self.shipper = Shipper(
            Breakable(self), discard=self.discard, system_identifier=SYSTEM, spool=self.spool
        )

    def discard(self, key: str) -> None:
        """Remove an object, where it is allowed."""
        if self.keeps_everything:
            raise NotReadyError("you may not remove anything", code="REP007")
        (self.repository / key).unlink(missing_ok=True)

    def write(self, segment: Segment, filler: bytes) -> None:
        """Write so much of a segment, as the receiver does: with zeros behind it."""
        self.written[segment] = segment_content(segment, filler)
        self.spool.partial_path_of(segment).write_bytes(self.written[segment])

    def finish(self, segment: Segment) -> None:
        """Finish a segment."""
        self.spool.partial_path_of(segment).rename(self.spool.path_of(segment))

    def read(self, segment: Segment) -> bytes:
        """Return what is archived of a segment."""
        return read_segment(vault_of(self.repository), self.archive, segment)


@dataclass(frozen=True, slots=True)
class Breakable:
    """A vault that refuses while it is broken."""

    shipping: Shipping

    def put_named(self, prefix: str, name: str, data: bytes) -> str:
        """Keep bytes."""
        if self.shipping.is_broken:
            raise NotReadyError("nobody answers", code="REP008")
        return vault_of(self.shipping.repository).put_named(prefix, name, data)

    def get_named(self, key: str) -> bytes:
        """Return bytes."""
        return vault_of(self.shipping.repository).get_named(key)

    def keys_named(self, prefix: str):
        """Yield keys."""
        return vault_of(self.shipping.repository).keys_named(prefix)


@pytest.fixture
def shipping(tmp_path: Path) -> Shipping:
    """Give an empty spool and an empty repository."""
    return Shipping(tmp_path)


def pieces_of(shipping: Shipping, segment: Segment) -> list[tuple[int, int]]:
    """Return from where to where the archived pieces of a segment go."""
    return sorted((each.first, each.end) for each in shipping.archive.pieces.get(segment, ()))


def test_a_whole_segment_goes_once_it_is_kept_and_another_follows(shipping: Shipping) -> None:
    """The newest stays, by which the receiver knows where to go on."""
    second = Segment(1, 8)
    for segment in (FIRST, second):
        shipping.write(segment, b"abc" * 1000)
        shipping.finish(segment)

    shipping.shipper.ship()

    assert shipping.spool.wholes() == [second]
    assert shipping.read(FIRST) == shipping.written[FIRST]
    assert shipping.read(second) == shipping.written[second]
    assert shipping.shipper.waiting_bytes == 0


def test_an_unfinished_segment_is_shipped_as_what_came_since(shipping: Shipping) -> None:
    """Three pieces; put together they are what was written, zeros behind."""
    for length in (100, 50_000, 50_001):
        shipping.write(FIRST, b"x" * length)
        shipping.shipper.ship()
        shipping.shipper.ship()

    assert pieces_of(shipping, FIRST) == [(0, 140), (140, 50_040), (50_040, 50_041)]
    assert shipping.read(FIRST) == shipping.written[FIRST]


def test_now_and_then_one_piece_supersedes_all_others(shipping: Shipping) -> None:
    """So there are never many to fetch."""
    for length in range(1, 36):
        shipping.write(FIRST, b"x" * length)
        shipping.shipper.ship()

    assert len(pieces_of(shipping, FIRST)) <= 16
    assert shipping.read(FIRST) == shipping.written[FIRST]


def test_a_finished_segment_supersedes_its_pieces(shipping: Shipping) -> None:
    """Also those of a process that was killed before it could remove them."""
    shipping.write(FIRST, b"x" * 100)
    shipping.shipper.ship()
    shipping.keeps_everything = True
    shipping.finish(FIRST)
    shipping.shipper.ship()
    left = pieces_of(shipping, FIRST)

    shipping.keeps_everything = False
    shipping.kill()
    shipping.shipper.ship()

    assert left == [(0, 140), (0, SIZE)]
    assert pieces_of(shipping, FIRST) == [(0, SIZE)]
    assert shipping.read(FIRST) == shipping.written[FIRST]


def test_what_was_kept_before_the_kill_is_not_kept_twice(shipping: Shipping) -> None:
    """A segment is in the repository, and its file was not removed any more."""
    shipping.write(FIRST, b"x" * 100)
    shipping.finish(FIRST)
    shipping.shipper.ship()

    shipping.kill()
    shipping.shipper.ship()

    assert pieces_of(shipping, FIRST) == [(0, SIZE)]


def test_a_piece_that_is_there_already_stays(shipping: Shipping) -> None:
    """A new process ships it again under the very same key, and must not take that for an older one."""
    shipping.write(FIRST, b"x" * 100)
    shipping.shipper.ship()

    shipping.kill()
    shipping.shipper.ship()

    assert pieces_of(shipping, FIRST) == [(0, 140)]
    assert shipping.read(FIRST) == shipping.written[FIRST]


def test_what_reaches_further_than_the_spool_stays(shipping: Shipping) -> None:
    """The spool was lost, and the receiver has begun the segment again."""
    shipping.write(FIRST, b"x" * 50_000)
    shipping.shipper.ship()
    before = shipping.written[FIRST]

    shipping.kill()
    shipping.write(FIRST, b"x" * 100)
    shipping.shipper.ship()

    assert shipping.read(FIRST) == before


def test_a_repository_that_is_away_costs_nothing(shipping: Shipping) -> None:
    """Everything waits, and is told as waiting."""
    second = Segment(1, 8)
    shipping.is_broken = True
    shipping.write(FIRST, b"x" * 100)
    shipping.finish(FIRST)
    shipping.write(second, b"y" * 100)

    with pytest.raises(NotReadyError, match="nobody answers"):
        shipping.shipper.ship()
    waiting = shipping.shipper.waiting_bytes
    shipping.is_broken = False
    shipping.shipper.ship()

    assert waiting == SIZE + 140
    assert shipping.read(FIRST) == shipping.written[FIRST]
    assert shipping.read(second) == shipping.written[second]


def test_a_second_server_with_the_same_identity_is_not_mixed_in(shipping: Shipping) -> None:
    """The first one's segment stays as it is, and the second one's in its spool."""
    shipping.write(FIRST, b"x" * 100)
    shipping.finish(FIRST)
    shipping.shipper.ship()
    first = shipping.written[FIRST]
    shipping.spool.clear()
    shipping.write(FIRST, b"y" * 100)
    shipping.finish(FIRST)
    shipping.kill()

    with pytest.raises(RefusedError) as raised:
        shipping.shipper.ship()

    assert raised.value.code == "DRC035"
    assert shipping.read(FIRST) == first
    assert shipping.spool.wholes() == [FIRST]


@pytest.mark.parametrize("is_finished", [False, True])
def test_a_second_server_removes_nothing_of_what_the_first_has_not_finished(
    shipping: Shipping, *, is_finished: bool
) -> None:
    """Such as a copy of its disk that is started elsewhere: what was committed last is in these pieces alone."""
    shipping.write(FIRST, b"x" * 100)
    shipping.shipper.ship()
    first = shipping.written[FIRST]
    shipping.write(FIRST, b"y" * 300)
    if is_finished:
        shipping.finish(FIRST)
    shipping.kill()

    with pytest.raises(RefusedError) as raised:
        shipping.shipper.ship()

    assert raised.value.code == "DRC035"
    assert shipping.read(FIRST) == first
    assert shipping.shipper.waiting_bytes > 0


def test_pieces_of_two_servers_are_not_put_together(shipping: Shipping) -> None:
    """Where they overlap they differ."""
    vault, name = vault_of(shipping.repository), FIRST.name(SIZE)
    one = segment_content(FIRST, b"x" * 100)[:100]
    other = segment_content(FIRST, b"y" * 300)[50:200]
    for data, first in ((one, 0), (other, 50)):
        vault.put_named(prefix_of(SYSTEM, 1), piece_name(name, data, first=first), data)

    with pytest.raises(FailedError) as raised:
        shipping.read(FIRST)

    assert raised.value.code == "DRC035"


def test_a_history_is_shipped_after_the_first_segment_of_its_timeline(shipping: Shipping) -> None:
    """Once, and one that differs is refused."""
    second = Segment(2, 7)
    shipping.write(second, b"x" * 100)
    shipping.spool.history_path_of(2).write_text("1\t0/700028\tno recovery target specified\n")

    shipping.shipper.ship()
    shipping.kill()
    shipping.shipper.ship()

    assert len(shipping.archive.histories[2]) == 1
    shipping.spool.history_path_of(2).write_text("1\t0/700030\tno recovery target specified\n")
    shipping.kill()
    with pytest.raises(RefusedError):
        shipping.shipper.ship()


def test_a_segment_whose_making_was_cut_short_is_removed(shipping: Shipping) -> None:
    """The receiver would refuse it for ever; one with nothing in it yet is as it must be."""
    shipping.spool.partial_path_of(FIRST).write_bytes(bytes(1000))
    shipping.spool.begin_at(Segment(1, 9))

    shipping.spool.mend()

    assert shipping.spool.partials() == [Segment(1, 9)]


@given(content=st.binary(max_size=300), zeros=st.integers(0, 200_000), after=st.integers(0, 400))
def test_the_end_of_what_was_written_is_its_last_byte_that_is_not_zero(
    content: bytes, zeros: int, after: int
) -> None:
    """Whatever the file is filled up with, and from wherever one looks."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(content + bytes(zeros))

        assert written_end(path, after=after) == max(after, len(content.rstrip(b"\0")))


_STEPS = st.lists(
    st.one_of(
        st.integers(1, 3000),  # so many bytes more
        st.sampled_from(["finish", "ship", "kill", "break", "mend", "stubborn", "free"]),
    ),
    max_size=40,
)


@settings(max_examples=50)
@given(steps=_STEPS)
def test_whatever_happens_in_whatever_order_everything_written_is_archived(steps: list[int | str]) -> None:
    """Kills, outages and repositories that keep everything, between any two steps; at the end all of it is there."""
    with tempfile.TemporaryDirectory() as folder:
        shipping = Shipping(Path(folder))
        life = Life(shipping)
        for step in steps:
            life.do(step)
        shipping.is_broken = False
        shipping.shipper.ship()
        shipping.kill()
        shipping.shipper.ship()

        assert {each: shipping.read(each) for each in shipping.written} == shipping.written
        assert shipping.shipper.waiting_bytes == 0


@dataclass(slots=True)
class Life:
    """What may happen to a spool."""

    shipping: Shipping
    current: Segment = FIRST
    filler: bytes = b""

    def do(self, step: int | str) -> None:
        """Do one step."""
        if isinstance(step, int):
            self.filler += bytes([step % 255 + 1]) * step
            self.shipping.write(self.current, self.filler)
            return
        steps = {
            "finish": self.finish,
            "ship": self.ship,
            "kill": self.shipping.kill,
            "break": lambda: setattr(self.shipping, "is_broken", True),
            "mend": lambda: setattr(self.shipping, "is_broken", False),
            "stubborn": lambda: setattr(self.shipping, "keeps_everything", True),
            "free": lambda: setattr(self.shipping, "keeps_everything", False),
        }
        steps[step]()

    def finish(self) -> None:
        """Finish the current segment, and begin the next."""
        if self.current in self.shipping.written:
            self.shipping.finish(self.current)
            self.current, self.filler = Segment(1, self.current.number + 1), b""

    def ship(self) -> None:
        """Ship, or fail."""
        if self.shipping.is_broken:
            with pytest.raises(NotReadyError) if self.shipping.shipper.waiting_bytes else nullcontext():
                self.shipping.shipper.ship()
        else:
            self.shipping.shipper.ship()
