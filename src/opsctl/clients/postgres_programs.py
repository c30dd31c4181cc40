"""Where are PostgreSQL's own programs, and of which version are they?"""

import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from opsctl.clients.processes import Account
from opsctl.core.errors import NotReadyError

_LONGEST_ANSWER = 2000
_VERSION = re.compile(r"\(PostgreSQL\) (?P<major>\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresPrograms:
    """Where PostgreSQL's programs are, and as whom they run.

    Args:
        folder: holds them; None looks along PATH.
        account: runs them, and owns what they make; None is our own. The server itself refuses to be run by root.
    """

    folder: Path | None = None
    account: Account | None = None

    def path_of(self, name: str) -> str:
        """Return where a program is.

        Raises:
            NotReadyError: PGP001.
        """
        found = shutil.which(name, path=None if self.folder is None else str(self.folder))
        if found is None:
            where = "on PATH" if self.folder is None else f"in `{self.folder}`"
            raise NotReadyError(
                f"PostgreSQL's program `{name}` is not {where}",
                code="PGP001",
                why="backups are made and checked by PostgreSQL's own programs",
                fix="run `pip install 'opsctl[local]'`, or install PostgreSQL's client and server packages",
            )
        return found

    def major_version(self, name: str) -> int:
        """Return the major version of a program.

        Raises:
            NotReadyError: PGP001 it is not there, PGP002 it does not tell.
        """
        return _major_version(self.path_of(name))

    def require_same(self, name: str, *, server_version: int) -> None:
        """Refuse a program of another major version than the server's, which is given as 180006.

        Raises:
            NotReadyError: PGP003.
        """
        major = self.major_version(name)
        if major != server_version // 10_000:
            raise _wrong_version(name, major=major, server_version=server_version)

    def require_not_older(self, name: str, *, server_version: int) -> None:
        """Refuse a program that is older than the server.

        Raises:
            NotReadyError: PGP003.
        """
        major = self.major_version(name)
        if major < server_version // 10_000:
            raise _wrong_version(name, major=major, server_version=server_version)


@lru_cache
def _major_version(path: str) -> int:
    try:
        said = subprocess.run(
            [path, "--version"], capture_output=True, text=True, check=False, timeout=30, errors="replace"
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotReadyError(
            f"`{path}` cannot be started", code="PGP004", why=str(error), fix="run `opsctl doctor`"
        ) from error
    found = _VERSION.search(said.stdout)
    if found is None:
        raise NotReadyError(
            f"`{path}` does not tell its version",
            code="PGP002",
            why=(said.stderr or said.stdout).strip()[:_LONGEST_ANSWER],
            fix="install PostgreSQL's own programs",
        )
    return int(found["major"])


def _wrong_version(name: str, *, major: int, server_version: int) -> NotReadyError:
    server = server_version // 10_000
    return NotReadyError(
        f"`{name}` is of PostgreSQL {major}, the server of {server}",
        code="PGP003",
        why="a base backup needs programs of the server's own major version, a dump none that is older",
        fix=f"install PostgreSQL {server}'s programs, and put their folder first on PATH",
    )
