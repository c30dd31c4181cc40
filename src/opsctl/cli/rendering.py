"""How do rendered files get onto the disk, or are compared with what is there."""

from collections.abc import Mapping
from pathlib import Path


def read_rendered(folder: Path) -> dict[str, str]:
    """Return every file below a folder by its path; none where there is no folder."""
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8", errors="replace")
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


def write_rendered(folder: Path, files: Mapping[str, str], *, there: Mapping[str, str]) -> None:
    """Write what differs, each file as a whole, and remove what an earlier render has left."""
    from opsctl.clients.files import write_atomically

    for path, text in files.items():
        if there.get(path) != text:
            write_atomically(folder / path, text)
    for path in set(there) - set(files):
        (folder / path).unlink(missing_ok=True)
