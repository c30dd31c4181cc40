"""What of a project is kept beside its data: settings, books and runbooks, and the names of its secrets, never a secret."""

import io
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from opsctl.clients.files import file_error
from opsctl.core.errors import FailedError, UsageError

_ENDINGS = frozenset({".yaml", ".yml", ".md", ".json", ".py", ".sql"})
_MOST_BYTES = 64 * 1024**2
_PIECE_BYTES = 1024**2


def project_files(root: Path, *, books: Iterable[str], without: Iterable[Path]) -> tuple[Path, ...]:
    """Return the files that make up a project's configuration, in the order of their names.

    Args:
        root: the project's folder.
        books: settings, books and folders of books, relative to it.
        without: files that are secrets; they are left out wherever they lie, and by whatever name or link.
    """
    secrets = {_identity(path) for path in without if path.exists()}
    found: set[Path] = set()
    for name in books:
        place = root / name
        found |= {place} if place.is_file() else {path for path in place.rglob("*") if path.is_file()}
    kept = (
        path
        for path in found
        if path.suffix in _ENDINGS and _identity(path) not in secrets and _is_of_project(path, root)
    )
    return tuple(sorted(kept))


def pack(files: Iterable[Path], *, root: Path) -> Iterator[bytes]:
    """Yield a tar file of these files, with no time and no owner in it: the same files give the same bytes.

    Raises:
        UsageError: DRC062 when they are far more than books are.
        NotReadyError: FIL003 when one of them cannot be read.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in files:
            content = _content(path, most=_MOST_BYTES - buffer.tell())
            member = tarfile.TarInfo(path.relative_to(root).as_posix())
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))
    data = buffer.getvalue()
    return (data[begin : begin + _PIECE_BYTES] for begin in range(0, len(data), _PIECE_BYTES))


def unpack(pieces: Iterable[bytes], *, into: Path) -> tuple[str, ...]:
    """Write the files of such a tar file below a folder and return their names; nothing leads out of it.

    Raises:
        FailedError: DRC084 when it is none, or something in it would lead out.
        NotReadyError: FIL001, FIL003 when the folder cannot be written.
    """
    data = b"".join(pieces)
    try:
        into.mkdir(parents=True, exist_ok=True)
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            archive.extractall(into, filter="data")
            return tuple(archive.getnames())
    except tarfile.TarError as error:
        raise FailedError(
            "the project's books in the backup cannot be unpacked",
            code="DRC084",
            why=str(error),
            fix="restore from another backup: opsctl dr list",
        ) from error
    except OSError as error:
        raise file_error(error, path=into, doing="unpack into") from error


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def _is_of_project(path: Path, root: Path) -> bool:
    """Tell whether a file is where it seems to be; a link may lead within the project, but not to what is hidden there."""
    real, whole = path.resolve(), root.resolve()
    if not real.is_relative_to(whole):
        return False
    inside = real.relative_to(whole)
    return inside == path.relative_to(root) or not any(part.startswith(".") for part in inside.parts)


def _content(path: Path, *, most: int) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(max(0, most) + 1)
    except OSError as error:
        raise file_error(error, path=path, doing="read") from error
    if len(content) > most:
        raise _too_large(path)
    return content


def _too_large(path: Path) -> UsageError:
    return UsageError(
        "the project's books are too many to be kept in a backup",
        code="DRC062",
        why=f"with `{path}` they are more than {_MOST_BYTES // 1024**2} MiB",
        fix="move what is no book out of the folders that `opsctl config show` names",
    )
