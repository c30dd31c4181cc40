"""How a collection is packed into a snapshot file, and how such a file is checked and unpacked."""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from opsctl.clients.files import sync_directory, sync_tree, write_atomically
from opsctl.stack.vector_node.api_error import ApiError
from opsctl.stack.vector_node.children import die_with_parent
from opsctl.stack.vector_node.shard import POINTER

SUFFIX = ".snapshot"
_CHECKSUM_SUFFIX = ".checksum"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A snapshot file as the API shows it."""

    name: str
    creation_time: str
    size: int
    checksum: str


def describe(path: Path) -> Snapshot:
    """Return what is known of a snapshot file; its checksum was written beside it."""
    status = path.stat()
    moment = datetime.fromtimestamp(status.st_mtime, UTC).replace(tzinfo=None)
    checksum = path.with_name(path.name + _CHECKSUM_SUFFIX).read_text().strip()
    return Snapshot(
        name=path.name,
        creation_time=moment.isoformat(timespec="seconds"),
        size=status.st_size,
        checksum=checksum,
    )


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def remove(path: Path) -> None:
    """Delete a snapshot and its checksum."""
    path.unlink()
    path.with_name(path.name + _CHECKSUM_SUFFIX).unlink(missing_ok=True)


def pack(root: Path, *, directory: str, target: Path) -> None:
    """Pack a collection into `target`; says `copied` as soon as the shard directory may change again."""
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            _archive(root, names=[POINTER, directory], stream=stream)
            sys.stdout.write("copied\n")
            sys.stdout.flush()
            os.fsync(stream.fileno())
        checksum = sha256_of(Path(temporary))
        write_atomically(target.with_name(target.name + _CHECKSUM_SUFFIX), checksum + "\n")
        Path(temporary).replace(target)
        sync_directory(target.parent)
    finally:
        Path(temporary).unlink(missing_ok=True)


def unpack(path: Path, *, target: Path) -> None:
    """Unpack a snapshot into a new directory `target`, and see that it holds a collection.

    Raises:
        ApiError: 400, when the file is not a snapshot of a vector node.
    """
    target.mkdir(parents=True)
    try:
        with tarfile.open(path) as archive:
            archive.extractall(target, filter="data")
    except (tarfile.TarError, EOFError) as error:
        shutil.rmtree(target)
        raise ApiError(400, f"Wrong input: the file is not a snapshot of a vector node: {error}") from error
    sync_tree(target)
    sync_directory(target.parent)
    if not (target / POINTER).is_file():
        shutil.rmtree(target)
        raise ApiError(400, f"Wrong input: the file is not a snapshot of a vector node: it has no {POINTER}")


def _archive(root: Path, *, names: list[str], stream: IO[bytes]) -> None:
    """Write a tar file; the engine's files are mostly holes, which GNU tar leaves out and `tarfile` cannot."""
    if sys.platform == "linux":
        subprocess.run(
            ["tar", "--sparse", "--format=gnu", "-C", root, "-c", *names], stdout=stream, check=True
        )
        return
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name in names:
            archive.add(root / name, arcname=name)
    stream.flush()


def main() -> None:
    """Pack `root` `directory` into `target`: the child process of a worker."""
    die_with_parent()
    _verb, root, directory, target = sys.argv[1:5]
    pack(Path(root), directory=directory, target=Path(target))


if __name__ == "__main__":
    main()
