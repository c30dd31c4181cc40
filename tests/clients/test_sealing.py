"""What is sealed comes back as it was, or not at all; a key is needed where there are recipients, and never told."""

import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsctl.clients.sealing import Sealing, new_key
from opsctl.core.errors import FailedError, OpsError, UsageError

_IDENTITY, _RECIPIENT = new_key()
_OTHER_IDENTITY, _OTHER_RECIPIENT = new_key()
_SECRET_LINE = _IDENTITY.splitlines()[-1]
_PLAIN = Sealing()
_SEALED = Sealing(recipients=(_RECIPIENT,), identities=(_IDENTITY,))
_CONTENT = random.Random(1).randbytes(1_500_000) + bytes(2_000_000)


def _pump_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "pump"]


@pytest.mark.parametrize("sealing", [_PLAIN, _SEALED, Sealing(level=19)], ids=["plain", "sealed", "hard"])
@pytest.mark.parametrize("content", [b"", b"x", _CONTENT], ids=["empty", "small", "large"])
def test_what_is_sealed_comes_back_as_it_was(sealing: Sealing, content: bytes) -> None:
    """However it is cut into pieces on either side."""
    sealed = b"".join(sealing.seal([content[:7], b"", content[7:]]))

    assert b"".join(sealing.unseal([sealed])) == content
    assert b"".join(sealing.unseal(sealed[at : at + 1_000] for at in range(0, len(sealed), 1_000))) == content
    assert _pump_threads() == []


@settings(max_examples=30)
@given(pieces=st.lists(st.binary(max_size=50)), cut=st.integers(1, 40), is_encrypted=st.booleans())
def test_cuts_do_not_matter(pieces: list[bytes], cut: int, is_encrypted: bool) -> None:  # noqa: FBT001
    """For any content, in any pieces."""
    sealing = _SEALED if is_encrypted else _PLAIN

    sealed = b"".join(sealing.seal(pieces))

    assert b"".join(sealing.unseal(sealed[at : at + cut] for at in range(0, len(sealed), cut))) == b"".join(
        pieces
    )


def test_the_suffix_says_how_a_content_is_sealed() -> None:
    """So it can be opened by hand, in that order."""
    assert (_PLAIN.suffix, _SEALED.suffix) == (".zst", ".zst.age")


def test_zeros_become_small_and_stay_bounded_when_they_come_back() -> None:
    """A small stored piece never becomes a large one in memory."""
    sealed = b"".join(_PLAIN.seal(bytes(1_000_000) for _ in range(50)))

    sizes = [len(piece) for piece in _PLAIN.unseal([sealed])]

    assert len(sealed) < 10_000
    assert sum(sizes) == 50_000_000
    assert max(sizes) <= 1024 * 1024


@pytest.mark.skipif(shutil.which("zstd") is None, reason="the program zstd is not installed")
def test_the_program_zstd_opens_it(tmp_path: Path) -> None:
    """Without opsctl, too."""
    (tmp_path / "x.zst").write_bytes(b"".join(_PLAIN.seal([_CONTENT])))

    done = subprocess.run(["zstd", "-dc", tmp_path / "x.zst"], capture_output=True, check=True)

    assert done.stdout == _CONTENT


def test_another_implementation_of_age_and_zstd_opens_it() -> None:
    """The layers are the usual formats: whole contents at once, by the libraries themselves."""
    import pyrage
    import zstandard

    sealed = b"".join(_SEALED.seal([_CONTENT]))

    packed = pyrage.decrypt(sealed, [pyrage.x25519.Identity.from_str(_SECRET_LINE)])
    with zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True) as reader:
        assert reader.read() == _CONTENT


def test_every_recipient_can_open_it_and_any_of_several_keys_will_do() -> None:
    """After a change of keys a file may hold the old and the new one."""
    both = Sealing(recipients=(_RECIPIENT, _OTHER_RECIPIENT))
    sealed = b"".join(both.seal([b"content"]))
    old = b"".join(_SEALED.seal([b"old content"]))

    for identity in (_IDENTITY, _OTHER_IDENTITY):
        assert b"".join(Sealing(identities=(identity,)).unseal([sealed])) == b"content"
    assert b"".join(Sealing(identities=(_OTHER_IDENTITY + _IDENTITY,)).unseal([old])) == b"old content"


def test_what_was_kept_before_there_was_a_key_can_still_be_opened() -> None:
    """A content says itself whether it is encrypted."""
    sealed = b"".join(_PLAIN.seal([b"from the first days"]))

    assert b"".join(_SEALED.unseal([sealed])) == b"from the first days"


@pytest.mark.parametrize(
    ("sealing", "code"),
    [(Sealing(recipients=(_RECIPIENT,)), "SEA003"), (Sealing(identities=(_OTHER_IDENTITY,)), "SEA004")],
)
def test_without_the_right_key_nothing_is_opened(sealing: Sealing, code: str) -> None:
    """Whoever makes backups need not be able to read them."""
    sealed = b"".join(_SEALED.seal([b"content"]))

    with pytest.raises(UsageError) as caught:
        list(sealing.unseal([sealed]))

    assert caught.value.code == code


@pytest.mark.parametrize("sealing", [_PLAIN, _SEALED], ids=["plain", "sealed"])
def test_a_missing_end_is_an_error_wherever_it_is_missing(sealing: Sealing) -> None:
    """Also where one frame has just ended, and where nothing is left."""
    sealed = b"".join(sealing.seal([_CONTENT]))
    chosen = random.Random(2)
    cuts = {0, 1, 10, 25, 150, 250, len(sealed) - 13, len(sealed) - 1}
    cuts |= {chosen.randrange(len(sealed)) for _ in range(20)}

    for cut in cuts:
        with pytest.raises(FailedError) as caught:
            list(sealing.unseal([sealed[:cut]]))
        assert caught.value.code == "SEA005"
    assert _pump_threads() == []


@pytest.mark.parametrize("sealing", [_PLAIN, _SEALED], ids=["plain", "sealed"])
def test_what_follows_the_end_is_an_error(sealing: Sealing) -> None:
    """Nobody has put it there for a good reason."""
    sealed = b"".join(sealing.seal([b"content"]))

    for extra in (b"x", sealed):
        with pytest.raises(FailedError) as caught:
            list(sealing.unseal([sealed, extra]))
        assert caught.value.code == "SEA005"


@pytest.mark.parametrize("sealing", [_PLAIN, _SEALED], ids=["plain", "sealed"])
def test_no_changed_byte_of_the_content_gets_through(sealing: Sealing) -> None:
    """A changed byte is an error, or lies where it does not matter: the content is never another one."""
    sealed = b"".join(sealing.seal([_CONTENT]))
    chosen = random.Random(3)

    for at in [*range(40), *(chosen.randrange(len(sealed)) for _ in range(25))]:
        changed = bytearray(sealed)
        changed[at] ^= 1 << chosen.randrange(8)
        try:
            assert b"".join(sealing.unseal([bytes(changed)])) == _CONTENT
        except OpsError as error:
            assert error.code in ("SEA004", "SEA005")  # noqa: PT017 - either of both is right


@pytest.mark.parametrize(
    "content", [b"plainly something else", b"age-encryption.org/v1\nnonsense", b"\x28\xb5\x2f\xfdxxxx"]
)
def test_what_was_never_sealed_is_an_error(content: bytes) -> None:
    """It is not handed on as it is."""
    with pytest.raises(FailedError) as caught:
        list(_SEALED.unseal([content]))

    assert caught.value.code == "SEA005"


@pytest.mark.parametrize("sealing", [_PLAIN, _SEALED], ids=["plain", "sealed"])
@pytest.mark.parametrize(
    "error", [OSError(5, "the disk broke"), KeyboardInterrupt()], ids=["error", "ctrl-c"]
)
def test_an_error_of_the_source_goes_through_as_it_is(sealing: Sealing, error: BaseException) -> None:
    """On the way in and on the way back, and no thread stays behind."""

    def breaking(content: bytes) -> Iterator[bytes]:
        yield content
        raise error

    with pytest.raises(type(error)) as caught:
        list(sealing.seal(breaking(_CONTENT)))
    assert caught.value is error
    with pytest.raises(type(error)) as caught:
        list(sealing.unseal(breaking(b"".join(sealing.seal([_CONTENT]))[:-100])))
    assert caught.value is error
    assert _pump_threads() == []


def test_whoever_wants_no_more_leaves_no_thread_behind() -> None:
    """A consumer may stop after any piece, or never begin."""
    taken: list[int] = []

    def endless() -> Iterator[bytes]:
        while True:
            taken.append(1)
            yield random.Random(4).randbytes(1024 * 1024)

    sealing = _SEALED.seal(endless())
    assert (taken, _pump_threads()) == ([], [])
    next(sealing)
    del sealing

    assert len(taken) < 20
    assert _pump_threads() == []


@pytest.mark.drill
def test_memory_is_bounded_whatever_the_size() -> None:
    """Sealing and opening a content takes as much memory for 20 MB as for 400."""
    code = """
        import resource, sys
        from opsctl.clients.sealing import Sealing, new_key
        identity, recipient = new_key()
        sealing = Sealing(recipients=(recipient,), identities=(identity,))
        noise = open("/dev/urandom", "rb").read(1_000_000)
        for pieces in (20, 400):
            content = (noise for _ in range(pieces))
            assert sum(map(len, sealing.unseal(sealing.seal(content)))) == pieces * 1_000_000
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": "src"},
    )
    small, large = map(int, done.stdout.split())

    assert large - small < 24 * 1024  # in KiB


def test_ctrl_c_ends_it_at_once() -> None:
    """Also while the source has nothing to give."""
    code = """
        import time
        from opsctl.clients.sealing import Sealing, new_key
        def slow():
            yield bytes(3_000_000)
            print("waiting", flush=True)
            time.sleep(60)
        identity, recipient = new_key()
        try:
            list(Sealing(recipients=(recipient,)).seal(slow()))
        except KeyboardInterrupt:
            print("interrupted", flush=True)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": "src"},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    began = time.monotonic()

    process.send_signal(signal.SIGINT)

    assert process.communicate(timeout=20)[0] == "interrupted\n"
    assert process.returncode == 0
    assert time.monotonic() - began < 10


def test_a_new_key_is_the_text_of_a_file_and_its_recipient() -> None:
    """It is that of `age-keygen`: the recipient as a comment, then the secret key."""
    assert _IDENTITY.startswith(f"# public key: {_RECIPIENT}\nAGE-SECRET-KEY-1")
    assert new_key() != new_key()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "there is no key"),
        ("# public key: age1\n", "there is no key"),
        (_RECIPIENT, "does not begin with AGE-SECRET-KEY-"),
        (f"{_SECRET_LINE}\nand a secret word", "does not begin with AGE-SECRET-KEY-"),
        (_SECRET_LINE[:-1], "Bech32"),
        ("-----BEGIN AGE ENCRYPTED FILE-----\nabc", "itself encrypted"),
        ("age-encryption.org/v1\n-> scrypt", "itself encrypted"),
    ],
    ids=["empty", "comment", "public key", "words after it", "cut short", "armoured", "encrypted"],
)
def test_a_text_without_a_key_is_refused_and_never_repeated(text: str, why: str) -> None:
    """The message says why, and nothing of the text."""
    with pytest.raises(UsageError) as caught:
        Sealing(identities=(text,))

    error = caught.value
    said = f"{error.message} {error.why} {error.fix}"
    assert error.code == "SEA002"
    assert why in said
    assert "secret word" not in said
    assert _SECRET_LINE[20:-1] not in said


@pytest.mark.parametrize(
    "recipient",
    ["", "age1abc", _RECIPIENT[:-1], "ssh-ed25519 AAAA", _SECRET_LINE],
    ids=["empty", "short", "cut", "of SSH", "secret"],
)
def test_a_bad_recipient_is_refused_at_once(recipient: str) -> None:
    """Before anything is copied; a secret key in that place is not repeated."""
    with pytest.raises(UsageError) as caught:
        Sealing(recipients=(_RECIPIENT, recipient))

    assert caught.value.code == "SEA001"
    assert _SECRET_LINE not in f"{caught.value.message} {caught.value.why} {caught.value.fix}"


def test_keys_are_no_part_of_the_text_form() -> None:
    """Nor of what a failed test shows."""
    assert _SECRET_LINE not in f"{_SEALED!r} {_SEALED}"


@pytest.mark.parametrize("level", [0, -1, 23])
def test_a_level_that_zstd_does_not_have_is_refused(level: int) -> None:
    """It would be silently taken for another one."""
    with pytest.raises(UsageError) as caught:
        Sealing(level=level)

    assert caught.value.code == "SEA006"
