"""What is an artefact, where can it be kept, and how is it known that its bytes are still the same."""

import errno
import hashlib
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Protocol

from opsctl.clients.files import file_error, no_file_error, sync_directory
from opsctl.core.errors import FailedError, RefusedError, UsageError

_PIECE_BYTES = 1024 * 1024
# One name of a file system holds 255 bytes, and the digest takes 65 of them, a temporary file's name 14.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,159}", re.ASCII)
_KEY = re.compile(rf"(?P<name>{_NAME.pattern})@(?P<sha256>[0-9a-f]{{64}})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    """A kept file: a report, a snapshot, an export of evidence; the same name can stand for several contents."""

    name: str
    sha256: str
    size_bytes: int
    stored_at: datetime

    @property
    def key(self) -> str:
        """Return what it is called where it is kept: the digest is part of it and so can never be lost."""
        return key_of(self.name, sha256=self.sha256)


class ArtefactStore(Protocol):
    """A place that keeps files; nothing in it is ever overwritten."""

    @property
    def place(self) -> str:
        """Return where it is, fit for messages."""
        ...

    def put(self, path: Path, *, name: str) -> Artefact:
        """Keep a file under a name; the same content a second time is the artefact that is there already.

        Raises:
            UsageError: ART001 for a bad name, FIL004 when there is no such file.
            FailedError: ART004 when the file changes meanwhile.
        """
        ...

    def entries(self) -> Sequence[Artefact]:
        """Return everything that is kept, the newest first."""
        ...

    def get(self, artefact: Artefact, *, target: Path, overwrite: bool = False) -> None:
        """Write the content to `target` as a whole, once its digest is right.

        Raises:
            FailedError: ART003 when the bytes are not those that were put; `target` is not touched then.
            RefusedError: ART005 when something else stands there that is not to be overwritten.
        """
        ...


def checked_name(name: str) -> str:
    """Return a name that is safe as the name of a file and of an object anywhere.

    Raises:
        UsageError: ART001.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"`{name}` cannot be the name of an artefact",
            code="ART001",
            why="a name has up to 160 letters, digits, dots, hyphens and underscores, and begins with a letter or digit",
            fix="give it one: opsctl artefacts put FILE --name report.html",
        )
    return name


def key_of(name: str, *, sha256: str) -> str:
    """Return what an artefact is called where it is kept.

    >>> key_of("a.txt", sha256="0f")
    'a.txt@0f'
    """
    return f"{name}@{sha256}"


def parse_key(key: str) -> tuple[str, str] | None:
    """Return name and digest of a key; None for what somebody else put there."""
    found = _KEY.fullmatch(key)
    return (found["name"], found["sha256"]) if found else None


def newest_first(artefacts: Iterable[Artefact]) -> tuple[Artefact, ...]:
    """Return the artefacts in the order in which they are listed."""
    return tuple(sorted(artefacts, key=lambda each: (-each.stored_at.timestamp(), each.key)))


def choose(artefacts: Sequence[Artefact], *, name: str, digest: str = "") -> Artefact:
    """Return the newest artefact of a name whose digest begins with `digest`.

    Raises:
        UsageError: ART002 when there is none.
    """
    of_name = [each for each in artefacts if each.name == checked_name(name)]
    for artefact in of_name:
        if artefact.sha256.startswith(digest):
            return artefact
    raise UsageError(
        f"there is no artefact `{name}`" + (f" whose digest begins with `{digest}`" if of_name else ""),
        code="ART002",
        fix="see what there is: opsctl artefacts list",
    )


def digest_of(path: Path) -> tuple[str, int]:
    """Return SHA-256 and size of a file."""
    digest, size = hashlib.sha256(), 0
    for piece in pieces_of(path):
        digest.update(piece)
        size += len(piece)
    return digest.hexdigest(), size


def pieces_of(path: Path) -> Iterator[bytes]:
    """Yield the content of a file a megabyte at a time.

    Raises:
        UsageError: FIL004 when there is no such file.
    """
    try:
        _refuse_endless(path)
        with path.open("rb") as stream:
            while piece := stream.read(_PIECE_BYTES):
                yield piece
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise no_file_error(path, why=error.strerror) from error
    except OSError as error:
        raise file_error(error, path=path, doing="read") from error


def _refuse_endless(path: Path) -> None:
    """Refuse a device or a pipe, which have no end, or none that comes soon."""
    if path.exists() and not path.is_file():
        raise IsADirectoryError(errno.EISDIR, "it is no ordinary file")


def receive(
    pieces: Iterable[bytes], *, target: Path, artefact: str, sha256: str, overwrite: bool = False
) -> None:
    """Write pieces to a file that appears as a whole, once their digest is right.

    Raises:
        FailedError: ART003 when it is not; nothing stays behind.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".", suffix=".tmp") as stream:
            seen, size = _write(stream, pieces)
            if seen != sha256:
                raise damaged(artefact, why=f"{size:,} bytes with SHA-256 {seen}, but {sha256} was put")
            os.fchmod(stream.fileno(), 0o644)
            os.fsync(stream.fileno())
            if overwrite:
                whole = Path(f"{stream.name}.whole")
                os.link(stream.name, whole)
                whole.replace(target)
            else:
                # Unlike a rename, a link never replaces what somebody else wrote meanwhile.
                os.link(stream.name, target)
        sync_directory(target.parent)
    except FileExistsError as error:
        raise _occupied(target) from error
    except OSError as error:
        raise file_error(error, path=target, doing="write") from error


def require_free(target: Path, *, sha256: str, overwrite: bool = False) -> bool:
    """Tell whether a target is free, or a file that may be overwritten; False when it is this content already.

    Raises:
        RefusedError: ART005 when something else stands there.
    """
    if not target.exists() and not target.is_symlink():
        return True
    if target.is_file() and digest_of(target)[0] == sha256:
        return False
    if overwrite and (target.is_file() or target.is_symlink()):
        return True
    raise _occupied(target)


def damaged(artefact: str, *, why: str) -> FailedError:
    """Return the error for bytes that are not those that were put."""
    return FailedError(
        f"artefact `{artefact}` came back damaged, and was not written",
        code="ART003",
        why=why,
        fix="try once more; if it stays so, put the file again from where it came from",
    )


def changed_meanwhile(path: Path) -> FailedError:
    """Return the error for a file that was written while it was stored."""
    return FailedError(
        f"`{path}` changed while it was stored",
        code="ART004",
        why="its bytes are no longer those whose digest was taken; nothing was kept",
        fix="wait until the file is complete, then run the same command again",
    )


def _write(stream: IO[bytes], pieces: Iterable[bytes]) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    for piece in pieces:
        digest.update(piece)
        size += len(piece)
        stream.write(piece)
    stream.flush()
    return digest.hexdigest(), size


def _occupied(target: Path) -> RefusedError:
    return RefusedError(
        f"`{target}` is there already, with another content",
        code="ART005",
        fix="name another file: opsctl artefacts get NAME --to FILE; or overwrite this one: --force",
    )
