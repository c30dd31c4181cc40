"""How is a file read, replaced and appended to without a half-written or silently lost byte?"""

import errno
import os
import tempfile
from pathlib import Path

from opsctl.clients.special_files import NoFileError, open_special, read_bytes, write_into
from opsctl.core.errors import NotReadyError, OpsError, UsageError

# EFBIG is what a file-size limit (`ulimit -f`) answers; for the user it is the same trouble as a full disk.
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_LONGEST_PREFIX = 48  # characters of four bytes each leave room for the rest of a name of 255 bytes


def read_text(path: Path, *, encoding: str = "utf-8", most_bytes: int | None = None) -> str:
    """Return the text of a file; a byte order mark is dropped.

    Raises:
        UsageError: FIL004 when it is no file that is there, FIL005 when it is not text in `encoding`, FIL006 when it
            is larger than `most_bytes`.
        NotReadyError: FIL003 when it cannot be read.
    """
    try:
        data = read_bytes(path, most=most_bytes)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, NoFileError) as error:
        raise no_file_error(path, why=error.strerror) from error
    except OSError as error:
        raise file_error(error, path=path, doing="read") from error
    if most_bytes is not None and len(data) > most_bytes:
        raise UsageError(
            f"`{path}` is larger than {most_bytes:,} bytes",
            code="FIL006",
            why="no file of its kind is so large",
            fix="look whether it is the file that was meant",
        )
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        source = "UTF-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "WINDOWS-1252"
        raise UsageError(
            f"`{path}` is not {encoding} text: byte 0x{data[error.start]:02x} at offset {error.start}",
            code="FIL005",
            why=error.reason,
            fix=f"convert it: iconv -f {source} -t UTF-8 {path}",
        ) from error


def write_atomically(path: Path, data: bytes | str, *, mode: int = 0o644) -> None:
    """Replace a file by `data` as a whole: readers see the old bytes or the new ones, also after a crash.

    A symbolic link stays one, its target is replaced. A device, a pipe or a socket is no file that could be replaced,
    so it is written into.

    Raises:
        NotReadyError: FIL001 when the disk is full, FIL003 for any other refusal; the old file is untouched.
    """
    # A file name of another encoding, told in a report, must not keep the report from being written.
    content = data.encode(errors="backslashreplace") if isinstance(data, str) else data
    try:
        descriptor = open_special(path)
        if descriptor is not None:
            write_into(descriptor, content)
            return
        target = Path(os.path.realpath(path))
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        target.parent.mkdir(parents=True, exist_ok=True)
        prefix = f".{target.name}"[:_LONGEST_PREFIX]
        descriptor, temporary = tempfile.mkstemp(prefix=f"{prefix}.", suffix=".tmp", dir=target.parent)
    except OSError as error:
        raise file_error(error, path=path, doing="write") from error
    try:
        _fill_and_sync(descriptor, content, mode=mode)
        Path(temporary).replace(target)
        sync_directory(target.parent)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        raise file_error(error, path=path, doing="write") from error
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def require_writable(path: Path) -> None:
    """Refuse a path that cannot be written, before long work whose result is meant for it.

    Raises:
        NotReadyError: FIL003.
    """
    nearest = next(folder for folder in path.absolute().parents if folder.exists())
    if path.is_dir():
        refused = errno.EISDIR
    elif not nearest.is_dir():
        refused = errno.ENOTDIR
    elif not os.access(nearest, os.W_OK | os.X_OK):
        refused = errno.EACCES
    else:
        return
    raise file_error(OSError(refused, os.strerror(refused)), path=path, doing="write")


def append_durably(path: Path, line: bytes) -> None:
    """Append `line` with one write and sync it; after the return it survives a power cut.

    Writers that share a file hold a `FileLock`, so that a line cut short by a full disk can be taken back.

    Raises:
        NotReadyError: FIL001 when the disk is full, FIL003 for any other refusal; the file is as it was.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not path.exists()
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            _append_whole(descriptor, line)
        finally:
            os.close(descriptor)
        if is_new:
            sync_directory(path.parent)
    except OSError as error:
        raise file_error(error, path=path, doing="append to") from error


def sync_directory(path: Path) -> None:
    """Make created, renamed and removed names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Make everything below a directory durable: what was copied or unpacked, before its original goes."""
    for parent, _, names in os.walk(folder):
        for name in names:
            _sync_file(Path(parent) / name)
        sync_directory(Path(parent))


def _fill_and_sync(descriptor: int, content: bytes, *, mode: int) -> None:
    with os.fdopen(descriptor, "wb") as stream:
        os.fchmod(stream.fileno(), mode)
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _append_whole(descriptor: int, line: bytes) -> None:
    size_before = os.fstat(descriptor).st_size
    is_whole = False
    try:
        is_whole = os.write(descriptor, line) == len(line)
        os.fsync(descriptor)
    finally:
        if not is_whole:
            os.ftruncate(descriptor, size_before)
    if not is_whole:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def is_out_of_room(error: OSError) -> bool:
    """Tell whether the system refused for want of room: a full disk, a used-up quota, a file-size limit."""
    return error.errno in _NO_ROOM


def says_no_room(text: str) -> bool:
    """Tell whether another program complains of a want of room, in the words of the C library."""
    return any(os.strerror(number) in text for number in _NO_ROOM)


def no_file_error(path: Path, *, why: str | None = None) -> UsageError:
    """Return the error for a path that was given and names no file."""
    return UsageError(
        f"`{path}` is not a file that can be read",
        code="FIL004",
        why=why,
        fix=f"check the path: ls -l {path.parent}",
    )


def file_error(error: OSError, *, path: Path, doing: str) -> OpsError:
    """Return the error that tells what the system refused: FIL001 for want of room, else FIL003."""
    if is_out_of_room(error):
        return NotReadyError(
            f"no room to {doing} `{path}`",
            code="FIL001",
            why=error.strerror,
            fix=f"free some space, then run the command again: df -h {path.parent}",
        )
    is_folder = error.errno == errno.EISDIR
    return NotReadyError(
        f"cannot {doing} `{path}`",
        code="FIL003",
        why=error.strerror,
        fix="name a file in that folder" if is_folder else f"check owner and mode: ls -ld {path.parent}",
    )
