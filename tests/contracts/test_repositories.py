"""Every kind of repository keeps the same promises; the bucket is one of a real S3 server."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.running_s3 import SMALLEST_PART, RunningS3, running_s3

from opsctl.clients.repository import Repository, checked_key
from opsctl.clients.repository_folder import FolderRepository
from opsctl.core.errors import FailedError, RefusedError, UsageError

_LARGE = bytes(range(256)) * (SMALLEST_PART // 128) + b"end"  # two parts and a rest
_BAD_KEYS = [
    "",
    "/a",
    "a/",
    "a//b",
    "..",
    "a/../b",
    "./a",
    ".hidden",
    "a/.b",
    "a b",
    "ä",
    "a\n",
    "a\0",
    "x" * 801,
]


@pytest.fixture(scope="module")
def s3() -> Iterator[RunningS3]:
    """Run an S3 server for the tests of this file."""
    with running_s3() as server:
        yield server


@pytest.fixture(params=["folder", "s3"])
def new_repository(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Repository]:
    """Give what makes an empty repository of each kind."""
    if request.param == "folder":
        names = iter(range(1_000_000))
        return lambda: FolderRepository(tmp_path / "deep" / str(next(names)))
    server: RunningS3 = request.getfixturevalue("s3")
    return server.new_repository


@pytest.fixture
def repository(new_repository: Callable[[], Repository]) -> Repository:
    """Give an empty repository."""
    return new_repository()


def _content(repository: Repository, key: str) -> bytes:
    return b"".join(repository.get(key))


def _keys(repository: Repository, prefix: str = "") -> list[str]:
    return [found.key for found in repository.list(prefix)]


@pytest.mark.parametrize("content", [b"", b"small", _LARGE, _LARGE[: SMALLEST_PART * 2]])
def test_what_is_kept_comes_back_is_found_and_is_listed(repository: Repository, content: bytes) -> None:
    """Also nothing at all, what goes in parts, and what ends exactly with a part."""
    before = datetime.now(UTC) - timedelta(seconds=2)

    kept = repository.put("a/b@1+2=3.zst", [content[:3], b"", content[3:]])

    assert _content(repository, "a/b@1+2=3.zst") == content
    assert kept.size_bytes == len(content)
    assert before <= kept.modified_at <= datetime.now(UTC) + timedelta(seconds=2)
    assert repository.find("a/b@1+2=3.zst") == kept
    assert list(repository.list()) == [kept]


def test_an_empty_repository_lists_nothing_and_finds_nothing(repository: Repository) -> None:
    """Nobody has to make anything beforehand."""
    assert list(repository.list()) == []
    assert repository.find("a") is None


@pytest.mark.parametrize("content", [b"other", _LARGE])
def test_nothing_is_overwritten(repository: Repository, content: bytes) -> None:
    """A second content under one key is refused before it is read, and the first one stays."""
    taken: list[int] = []

    def pieces() -> Iterator[bytes]:
        taken.append(1)
        yield content

    repository.put("a", [b"first"])

    with pytest.raises(RefusedError) as caught:
        repository.put("a", pieces())

    assert caught.value.code == "REP002"
    assert repository.place in caught.value.message
    assert taken == []
    assert _content(repository, "a") == b"first"


@pytest.mark.parametrize("size", [10, 2 * SMALLEST_PART])
def test_of_two_writers_of_one_key_the_first_to_end_wins(repository: Repository, size: int) -> None:
    """Both have looked and seen nothing; the second to end is refused, and overwrites nothing."""

    def pieces() -> Iterator[bytes]:
        yield b"x" * size
        repository.put("contested", [b"y" * size])
        yield b"x"

    with pytest.raises(RefusedError) as caught:
        repository.put("contested", pieces())

    assert caught.value.code == "REP002"
    assert _content(repository, "contested") == b"y" * size


@pytest.mark.parametrize("size", [0, 100, 2 * SMALLEST_PART])
def test_an_error_of_the_source_goes_through_and_nothing_has_appeared(
    repository: Repository, size: int
) -> None:
    """Whenever it comes; the key is as free as before."""

    def pieces() -> Iterator[bytes]:
        yield b"x" * size
        raise OSError(5, "the source broke")

    with pytest.raises(OSError, match="the source broke"):
        repository.put("a/b", pieces())

    assert repository.find("a/b") is None
    assert _keys(repository) == []
    repository.put("a/b", [b"whole"])
    assert _content(repository, "a/b") == b"whole"


def test_what_is_still_being_written_is_no_object(repository: Repository) -> None:
    """It appears with its last piece, not before."""
    seen: list[list[str]] = []

    def pieces() -> Iterator[bytes]:
        yield _LARGE
        seen.append(_keys(repository))
        with suppress(FailedError):
            seen.append([_content(repository, "a").decode()])
        yield b"last"

    repository.put("a", pieces())

    assert seen == [[]]
    assert _keys(repository) == ["a"]


def test_what_is_not_there_cannot_be_read_and_may_be_removed(repository: Repository) -> None:
    """Reading names key and place; removing what is gone is no error."""
    repository.put("a/b", [b"1"])

    for key in ("c", "a", "a/b/c"):
        with pytest.raises(FailedError) as caught:
            _content(repository, key)
        assert (caught.value.code, key in caught.value.message) == ("REP003", True)
        assert repository.find(key) is None
        repository.delete(key)

    assert _keys(repository) == ["a/b"]


def test_what_is_removed_is_gone_and_its_key_is_free(repository: Repository) -> None:
    """The others stay."""
    repository.put("a/b/c", [b"1"])
    repository.put("a/d", [b"2"])

    repository.delete("a/b/c")
    repository.delete("a/b/c")

    assert _keys(repository) == ["a/d"]
    repository.put("a/b/c", [b"3"])
    assert _content(repository, "a/b/c") == b"3"


def test_bad_keys_are_refused_whatever_is_asked(repository: Repository) -> None:
    """None of them leads out of the repository, or to a name that some system cannot hold."""
    asks: list[Callable[[str], object]] = [
        lambda key: repository.put(key, [b"1"]),
        lambda key: list(repository.get(key)),
        repository.find,
        repository.delete,
    ]

    for key in _BAD_KEYS:
        for ask in asks:
            with pytest.raises(UsageError) as caught:
                ask(key)
            assert caught.value.code == "REP001"


def test_objects_are_listed_by_the_beginning_of_their_keys_in_order(repository: Repository) -> None:
    """A prefix is a beginning and need not end at a step; `a-b` comes before `a/b`, as letters do."""
    keys = ["a-b", "a.b", "a/b", "a/b-c", "a/b0", "a0", "ab/c/d", "b", "wal/1/x", "wal/10/x", "wal/2/x"]
    for key in reversed(keys):
        repository.put(key, [key.encode()])

    assert _keys(repository) == sorted(keys) == keys
    assert _keys(repository, "a/") == ["a/b", "a/b-c", "a/b0"]
    assert _keys(repository, "a/b") == ["a/b", "a/b-c", "a/b0"]
    assert _keys(repository, "wal/1") == ["wal/1/x", "wal/10/x"]
    assert _keys(repository, "wal/2/x") == ["wal/2/x"]
    assert _keys(repository, "c") == []


_STEP = st.text("ab-.@", min_size=1, max_size=3).map(lambda text: "x" + text)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.sets(st.tuples(_STEP, _STEP, _STEP), max_size=6), cut=st.integers(0, 8))
def test_listing_is_filtering_and_sorting(
    new_repository: Callable[[], Repository], steps: set[tuple[str, str, str]], cut: int
) -> None:
    """Whatever keys there are (of three steps: a folder cannot hold `a` beside `a/b`) and wherever a prefix ends."""
    repository = new_repository()
    keys = sorted(checked_key("/".join(each)) for each in steps)
    for key in keys:
        repository.put(key, [b""])

    for key in [*keys, "x"]:
        prefix = key[:cut]
        assert _keys(repository, prefix) == [each for each in keys if each.startswith(prefix)]


def test_reading_can_be_given_up(repository: Repository) -> None:
    """Whoever has seen enough stops, and leaves nothing behind that keeps others."""
    repository.put("a", [_LARGE])
    pieces = repository.get("a")
    next(pieces)

    del pieces
    repository.delete("a")

    assert _keys(repository) == []
