"""Which files belong to the project, what is in them, and which secrets are in use that must be in none of them?"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from opsctl.clients.special_files import NoFileError, read_bytes
from opsctl.core.errors import OpsError
from opsctl.security.context import Context
from opsctl.security.model import CannotTellError
from opsctl.security.words import looks_random

MOST_BYTES = 4 * 1024 * 1024
"""A larger file is data; it is counted as not looked at."""
_LISTING_SECONDS = 30.0
_LEAST_SECRET = 8
_LONG_SECRET = 16
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)
_LETTERS = {b"a": b"\a", b"b": b"\b", b"t": b"\t", b"n": b"\n", b"v": b"\v", b"f": b"\f", b"r": b"\r"}
_NOT_OURS = frozenset({".git", ".venv", "venv", "node_modules", "__pycache__", ".opsctl"})


def project_files(context: Context) -> tuple[str, ...]:
    """Return the files that git keeps or would add, else all but those of tools and of the state folder.

    Raises:
        CannotTellError: there is none, such as in a folder that the repository around it ignores.
    """
    found = listed(context, "--cached", "--others", "--exclude-standard")
    files = tuple(sorted(set(_walked(context.root, without=context.home) if found is None else found)))
    if not files:
        raise CannotTellError(
            "no file of the project is to be seen",
            mend="look what git leaves out here: git status --ignored .",
        )
    return files


def listed(context: Context, *options: str) -> tuple[str, ...] | None:
    """Return the files that git lists, as the system opens them; None as of `git`.

    A name on disk is bytes in no encoding for sure. Git writes those that are no plain text with escapes, so that none is
    lost on the way here: a file that is not found would be taken for one without secrets.
    """
    printed = git(context, "-c", "core.quotePath=true", "ls-files", *options)
    return None if printed is None else tuple(unquoted(line) for line in printed.split("\n") if line)


def unquoted(name: str) -> str:
    r"""Return a name as the system opens it, of one as git prints it.

    >>> unquoted("a b.yaml"), unquoted(r'"\"\303\251\t\""')
    ('a b.yaml', '"é\t"')
    """
    if not (len(name) > 1 and name.startswith('"') and name.endswith('"')):
        return name
    return os.fsdecode(_ESCAPE.sub(_unescaped, name[1:-1].encode(errors="surrogateescape")))


def shown(file: str) -> str:
    r"""Return the name of a file as text that can be printed and kept, whatever its bytes are.

    >>> shown("a\udcff.yaml")
    'a\\xff.yaml'
    """
    return os.fsencode(file).decode(errors="backslashreplace")


def _unescaped(found: "re.Match[bytes]") -> bytes:
    said = found[1]
    return bytes([int(said, 8) & 0xFF]) if said.isdigit() else _LETTERS.get(said, said)


def git(context: Context, *arguments: str, seconds: float = _LISTING_SECONDS) -> str | None:
    """Return what a git command prints; None where the project is no checkout, or git is not installed."""
    try:
        done = context.commands.run(["git", *arguments], seconds=seconds)
    except OpsError as error:
        if error.code == "PRC001":
            return None
        raise
    return done.stdout if done.code == 0 else None


def text_of(path: Path) -> str | None:
    """Return the text of a file; None where it is none, is too large, or cannot be read."""
    try:
        data = read_bytes(path, most=MOST_BYTES)
    except (NoFileError, OSError):
        return None
    if len(data) > MOST_BYTES or b"\0" in data[:8192]:
        return None
    return data.decode(errors="replace").replace("\r\n", "\n")


def known_secrets(context: Context) -> tuple[str, ...]:
    """Return the secrets that are in use and long enough to be told from a word; they are never shown."""
    found = set[str]()
    for source in context.secrets:
        held = context.environment.get(source.variable or "", "")
        text = (text_of(source.file) if source.file is not None else None) or ""
        found |= {line.strip() for line in [held, *text.splitlines()] if not line.startswith("#")}
    return tuple(sorted(value for value in found if _is_telling(value)))


def _is_telling(value: str) -> bool:
    return len(value) >= _LONG_SECRET or (len(value) >= _LEAST_SECRET and looks_random(value))


def _walked(root: Path, *, without: Path) -> Iterator[str]:
    for parent, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in _NOT_OURS and Path(parent) / name != without]
        yield from (str((Path(parent) / name).relative_to(root)) for name in names)
