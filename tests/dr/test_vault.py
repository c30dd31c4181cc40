"""What comes out of the vault is what was put there, or an error before its last piece; nothing else ever."""

import hashlib
import os
import random
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsctl.clients.repository_folder import FolderRepository
from opsctl.clients.sealing import Sealing, new_key
from opsctl.core.errors import FailedError, OpsError, RefusedError, UsageError
from opsctl.core.events import Event, PhaseAdvanced
from opsctl.dr import vault as vault_module
from opsctl.dr.manifest import SealedFile
from opsctl.dr.vault import Vault

_IDENTITY, _RECIPIENT = new_key()
_CONTENT = random.Random(1).randbytes(2_500_000) + bytes(1_000_000)
_SEALINGS = {"plain": Sealing(), "sealed": Sealing(recipients=(_RECIPIENT,), identities=(_IDENTITY,))}


@pytest.fixture
def repository(tmp_path: Path) -> FolderRepository:
    """Give an empty repository."""
    return FolderRepository(tmp_path / "repository")


@pytest.fixture(params=_SEALINGS)
def vault(request: pytest.FixtureRequest, repository: FolderRepository) -> Vault:
    """Give a vault of each sealing."""
    return Vault(repository, _SEALINGS[request.param])


def _stored(repository: FolderRepository, key: str) -> Path:
    return Path(repository.place) / key


def _pieces(content: bytes) -> Iterator[bytes]:
    return (content[at : at + 300_000] for at in range(0, len(content), 300_000))


def _seen_before_the_error(vault: Vault, file: SealedFile) -> tuple[bytes, OpsError]:
    seen: list[bytes] = []
    with pytest.raises(OpsError) as caught:
        seen.extend(vault.get(file))  # what comes before the error is in it
    return b"".join(seen), caught.value


@pytest.mark.parametrize("content", [b"", b"x", _CONTENT], ids=["empty", "small", "large"])
def test_what_is_put_comes_back_and_its_digests_are_those_of_both_forms(
    vault: Vault, repository: FolderRepository, content: bytes
) -> None:
    """The suffix of the sealing is added to the key."""
    file = vault.put("backups/1/base.tar", _pieces(content))

    stored = _stored(repository, file.key).read_bytes()
    assert b"".join(vault.get(file)) == content
    assert file.key.removeprefix("backups/1/base.tar") in (".zst", ".zst.age")
    assert (file.size_bytes, file.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert (file.stored_bytes, file.stored_sha256) == (len(stored), hashlib.sha256(stored).hexdigest())
    vault.check_stored(file)


def test_an_error_of_the_source_goes_through_and_nothing_was_kept(
    vault: Vault, repository: FolderRepository
) -> None:
    """The key is as free as before; what is there already is refused."""

    def breaking() -> Iterator[bytes]:
        yield _CONTENT
        raise ValueError("the source broke")

    with pytest.raises(ValueError, match="the source broke"):
        vault.put("a", breaking())
    assert list(repository.list()) == []

    file = vault.put("a", [b"first"])
    with pytest.raises(RefusedError):
        vault.put("a", [b"second"])
    assert b"".join(vault.get(file)) == b"first"


def test_every_changed_byte_is_refused_before_the_last_piece(
    vault: Vault, repository: FolderRepository
) -> None:
    """At places drawn at random and at both ends: by the check of what is stored, and on the way out."""
    file = vault.put("a", _pieces(_CONTENT))
    path = _stored(repository, file.key)
    whole = path.read_bytes()
    chosen = random.Random(2)
    places = [
        *range(8),
        *range(len(whole) - 8, len(whole)),
        *(chosen.randrange(len(whole)) for _ in range(40)),
    ]

    for at in places:
        changed = bytearray(whole)
        changed[at] ^= 1 << chosen.randrange(8)
        path.write_bytes(changed)

        seen, error = _seen_before_the_error(vault, file)
        with pytest.raises(FailedError) as caught:
            vault.check_stored(file)

        assert (error.code, type(error), caught.value.code) == ("DRC001", FailedError, "DRC001")
        assert file.key in error.message
        assert seen == _CONTENT[: len(seen)]
        assert len(seen) < len(_CONTENT)


def test_what_is_cut_short_or_goes_on_is_refused(vault: Vault, repository: FolderRepository) -> None:
    """Wherever it is cut, and also where only something was added."""
    file = vault.put("a", _pieces(_CONTENT))
    path = _stored(repository, file.key)
    whole = path.read_bytes()
    chosen = random.Random(3)
    cuts = [0, 1, 30, len(whole) - 13, len(whole) - 1, *(chosen.randrange(len(whole)) for _ in range(10))]

    for content in [*(whole[:cut] for cut in cuts), whole + b"x", whole + whole]:
        path.write_bytes(content)

        seen, error = _seen_before_the_error(vault, file)
        with pytest.raises(FailedError) as caught:
            vault.check_stored(file)

        assert (error.code, caught.value.code) == ("DRC001", "DRC001")
        assert "bytes, not" in str(error.why)
        assert len(seen) < len(_CONTENT)


def test_another_content_under_the_same_key_is_refused(vault: Vault, repository: FolderRepository) -> None:
    """It is sealed as it must be, and is not what the manifest says."""
    file, other = vault.put("a", [_CONTENT]), vault.put("b", [b"other"])
    _stored(repository, file.key).write_bytes(_stored(repository, other.key).read_bytes())

    seen, error = _seen_before_the_error(vault, file)

    assert (seen, error.code) == (b"", "DRC001")


def test_a_content_that_was_wrong_from_the_beginning_is_told_apart(vault: Vault) -> None:
    """What is stored is what was stored, and yet not what the backup says of its content."""
    file = vault.put("a", [_CONTENT])

    for wrong in (replace(file, sha256="0" * 64), replace(file, size_bytes=1)):
        seen, error = _seen_before_the_error(vault, wrong)
        assert error.code == "DRC002"
        assert len(seen) < len(_CONTENT)
    vault.check_stored(wrong)


def test_what_was_never_sealed_and_yet_has_the_digest_is_wrong_from_the_beginning(
    vault: Vault, repository: FolderRepository
) -> None:
    """The digests hold, and nothing comes out of it."""
    nonsense = b"no sealed content at all"
    repository.put("a.zst", [nonsense])
    digest = hashlib.sha256(nonsense).hexdigest()
    file = SealedFile(key="a.zst", size_bytes=1, sha256="0", stored_bytes=len(nonsense), stored_sha256=digest)

    _, error = _seen_before_the_error(vault, file)

    assert error.code == "DRC002"


def test_what_is_gone_is_told_as_that(vault: Vault, repository: FolderRepository) -> None:
    """It is not taken for damage."""
    file = vault.put("a", [_CONTENT])
    repository.delete(file.key)

    assert _seen_before_the_error(vault, file)[1].code == "REP003"
    with pytest.raises(FailedError) as caught:
        vault.check_stored(file)
    assert caught.value.code == "REP003"


@pytest.mark.parametrize(("identities", "code"), [((), "SEA003"), ((new_key()[0],), "SEA004")])
def test_without_the_right_key_what_is_stored_can_be_checked_and_not_opened(
    repository: FolderRepository, identities: tuple[str, ...], code: str
) -> None:
    """A machine that keeps an eye on backups need not be able to read them; and damage is told as damage there, too."""
    file = Vault(repository, _SEALINGS["sealed"]).put("a", [_CONTENT])
    vault = Vault(repository, Sealing(recipients=(_RECIPIENT,), identities=identities))

    vault.check_stored(file)
    assert _seen_before_the_error(vault, file)[1].code == code
    path = _stored(repository, file.key)
    path.write_bytes(path.read_bytes()[:-1])
    assert _seen_before_the_error(vault, file)[1].code == "DRC001"


def test_the_check_tells_how_far_it_is(vault: Vault) -> None:
    """A bar can follow it."""
    file = vault.put("a", [_CONTENT])
    heard: list[Event] = []

    vault.check_stored(file, listener=heard.append)

    assert sum(event.advance for event in heard if isinstance(event, PhaseAdvanced)) == file.stored_bytes
    assert {event.subject for event in heard} == {file.key}


def test_a_small_thing_is_named_by_the_digest_of_what_is_stored(
    vault: Vault, repository: FolderRepository
) -> None:
    """So its key alone says whether it is whole."""
    key = vault.put_named("wal/77/00000001", "000000010000000000000003", b"segment" * 1000)

    stored = _stored(repository, key).read_bytes()
    assert vault.get_named(key) == b"segment" * 1000
    assert key.startswith(
        f"wal/77/00000001/000000010000000000000003@{hashlib.sha256(stored).hexdigest()}.zst"
    )
    (found,) = vault.list_named("wal")
    assert (found.key, found.folder, found.name) == (key, "wal/77/00000001", "000000010000000000000003")
    assert (found.stored_sha256, found.stored_bytes) == (hashlib.sha256(stored).hexdigest(), len(stored))
    assert list(vault.keys_named("wal/77")) == [key]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=300), at=st.integers(0), bit=st.integers(0, 7))
def test_no_changed_byte_of_a_small_thing_gets_through(
    vault: Vault, repository: FolderRepository, data: bytes, at: int, bit: int
) -> None:
    """Wherever it is."""
    key = vault.put_named("a", "b", data)
    path = _stored(repository, key)
    changed = bytearray(path.read_bytes())
    changed[at % len(changed)] ^= 1 << bit

    assert vault.get_named(key) == data
    path.write_bytes(changed)
    with pytest.raises(FailedError) as caught:
        vault.get_named(key)

    assert caught.value.code == "DRC003"
    repository.delete(key)


def test_a_small_thing_under_the_key_of_another_is_refused(
    vault: Vault, repository: FolderRepository
) -> None:
    """Nobody can put an old manifest in the place of a new one."""
    old, new = vault.put_named("a", "manifest", b"old"), vault.put_named("a", "manifest", b"new")
    _stored(repository, new).write_bytes(_stored(repository, old).read_bytes())

    with pytest.raises(FailedError) as caught:
        vault.get_named(new)

    assert caught.value.code == "DRC003"
    assert vault.get_named(old) == b"old"


def test_the_same_small_thing_twice_is_no_error_unless_the_first_is_damaged(
    repository: FolderRepository,
) -> None:
    """A command that was interrupted behind it is simply run again."""
    vault = Vault(repository, _SEALINGS["plain"])

    key = vault.put_named("a", "b", b"the same")
    assert vault.put_named("a", "b", b"the same") == key

    _stored(repository, key).write_bytes(b"damaged")
    with pytest.raises(FailedError) as caught:
        vault.put_named("a", "b", b"the same")
    assert caught.value.code == "DRC003"


@pytest.mark.parametrize(
    ("prefix", "name"), [("", "b"), ("a", ""), ("a", "b/c d"), ("../a", "b"), ("a", "x" * 200)]
)
def test_a_small_thing_needs_a_name_that_is_a_key(vault: Vault, prefix: str, name: str) -> None:
    """Nothing is kept under any other."""
    with pytest.raises(UsageError) as caught:
        vault.put_named(prefix, name, b"data")

    assert caught.value.code == "DRC004"


def test_a_key_that_names_no_digest_is_no_small_thing(vault: Vault, repository: FolderRepository) -> None:
    """It is not read, and not listed among them."""
    repository.put("a/b", [b"1"])
    repository.put("a/b@123.zst", [b"1"])

    for key in ("a/b", "a/b@123.zst", "b@" + "0" * 64 + ".zst", "a/b@" + "0" * 64):
        with pytest.raises(UsageError) as caught:
            vault.get_named(key)
        assert caught.value.code == "DRC004"
    assert list(vault.list_named("a")) == []


def test_small_things_below_a_prefix_are_those_of_its_folder(vault: Vault) -> None:
    """`wal/1` is not the beginning of `wal/10`."""
    keys = [vault.put_named(prefix, "x", b"1") for prefix in ("wal/1", "wal/1/deep", "wal/10")]

    assert list(vault.keys_named("wal/1")) == sorted(keys[:2])


def test_what_is_too_large_to_be_a_small_thing_is_refused(
    vault: Vault, repository: FolderRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the way in, as it is stored, and as it would become."""
    key = vault.put_named("a", "b", bytes(1_000_000))
    monkeypatch.setattr(vault_module, "_LARGEST_NAMED", 100_000)

    for ask in (lambda: vault.put_named("a", "c", bytes(100_001)), lambda: vault.get_named(key)):
        with pytest.raises(UsageError) as caught:
            ask()
        assert caught.value.code == "DRC005"
    monkeypatch.setattr(vault_module, "_LARGEST_STORED", 10)
    with pytest.raises(UsageError) as caught:
        vault.get_named(key)
    assert caught.value.code == "DRC005"
    assert len(list(repository.list())) == 1


@pytest.mark.drill
def test_memory_is_bounded_whatever_the_size(tmp_path: Path) -> None:
    """In and out takes as much memory for 20 MB as for 300."""
    code = """
        import resource, sys
        from pathlib import Path
        from opsctl.clients.repository_folder import FolderRepository
        from opsctl.clients.sealing import Sealing, new_key
        from opsctl.dr.vault import Vault
        identity, recipient = new_key()
        sealing = Sealing(recipients=(recipient,), identities=(identity,))
        vault = Vault(FolderRepository(Path(sys.argv[1])), sealing)
        noise = open("/dev/urandom", "rb").read(300_000) + bytes(700_000)
        for pieces in (20, 300):
            file = vault.put(str(pieces), (noise for _ in range(pieces)))
            assert sum(map(len, vault.get(file))) == pieces * 1_000_000
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": "src"},
    )
    small, large = map(int, done.stdout.split())

    assert large - small < 24 * 1024  # in KiB
