"""What of a project is kept beside its data: settings, books and runbooks, and the names of its secrets, never a secret."""

import io
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from opsctl.core.errors import UsageError

_ENDINGS = frozenset({".yaml", ".yml", ".md", ".json", ".py", ".sql"})
_MOST_BYTES = 64 * 1024**2
_PIECE_BYTES = 1024**2


def project_files(root: Path, *, books: Iterable[str], without: Iterable[Path]) -> tuple[Path, ...]:
    """Return the files that make up a project's configuration, in the order of their names.

    Args:
        root: the project's folder.
        books: settings, books and folders of books, relative to it.
        without: files that are secrets; they are left out wherever they lie.
    """
    secrets = {path.resolve() for path in without}
    found: set[Path] = set()
    for name in books:
        place = root / name
        found |= {place} if place.is_file() else {path for path in place.rglob("*") if path.is_file()}
    kept = (
        path
        for path in found
        if path.suffix in _ENDINGS and path.resolve() not in secrets and _is_inside(path, root)
    )
    return tuple(sorted(kept))


def pack(files: Iterable[Path], *, root: Path) -> Iterator[bytes]:
    """Yield a tar file of these files, with no time and no owner in it: the same files give the same bytes.

    Raises:
        UsageError: DRC062 when they are far more than books are.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in files:
            content = path.read_bytes()
            member = tarfile.TarInfo(path.relative_to(root).as_posix())
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))
            if buffer.tell() > _MOST_BYTES:
                raise _too_large(path)
    data = buffer.getvalue()
    return (data[begin : begin + _PIECE_BYTES] for begin in range(0, len(data), _PIECE_BYTES))


def unpack(pieces: Iterable[bytes], *, into: Path) -> tuple[str, ...]:
    """Write the files of such a tar file below a folder and return their names; nothing leads out of it."""
    into.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as archive:
        archive.extractall(into, filter="data")
        return tuple(archive.getnames())


def _is_inside(path: Path, root: Path) -> bool:
    return path.resolve().is_relative_to(root.resolve())


def _too_large(path: Path) -> UsageError:
    return UsageError(
        "the project's books are too many to be kept in a backup",
        code="DRC062",
        why=f"with `{path}` they are more than {_MOST_BYTES // 1024**2} MiB",
        fix="move what is no book out of the folders that `opsctl config show` names",
    )
