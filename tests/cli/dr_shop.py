"""A project with backups, for tests of whole commands: what it did is remembered, and any copy of it may be spoiled."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from tests.cli.command import run_as_it_is
from tests.scratch_project import init_project

from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.clients.qdrant import QdrantStore
from opsctl.clients.qdrant_values import QdrantPlace
from opsctl.clients.repository_folder import FolderRepository
from opsctl.clients.sealing import Sealing
from opsctl.dr.postgres.wal import PAGE_BYTES
from opsctl.dr.vault import Vault
from opsctl.stack.model import StackState
from opsctl.stack.status import stack_status

ITEMS = 300
POINT = "before_the_deletes"
_SHIP_EVERY = "1s"
_COLLECTIONS = """
source: {collection: content}
derived:
  au_items:
    filter: {region: AU}
    budgets: {p95: 10s}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How a command ended."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> dict[str, Any]:
        """Return the document of `--json`."""
        loaded: dict[str, Any] = json.loads(self.stdout)
        return loaded

    @property
    def data(self) -> Any:
        """Return its data; the command must have gone well."""
        assert self.exit_code == 0, self.stderr + self.stdout
        return self.document["data"]

    @property
    def codes(self) -> list[str]:
        """Return the codes of its findings."""
        return [finding["code"] for finding in self.document["findings"]]


@dataclass
class Shop:
    """A project, its repository and the key of its backups, each in a folder of its own."""

    folder: Path
    runs: dict[str, Run] = field(default_factory=dict)
    moments: dict[str, datetime] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        """Return the project."""
        return self.folder / "shop"

    @property
    def repository(self) -> Path:
        """Return where its backups go."""
        return self.folder / "repository"

    @property
    def pristine(self) -> Path:
        """Return a copy of the repository as it was when the project was made."""
        return self.folder / "pristine"

    @property
    def key(self) -> Path:
        """Return the file of the secret key."""
        return self.folder / "keys" / "backup.key"

    @property
    def notes(self) -> Path:
        """Return what the machine keeps of its backups."""
        return self.root / ".opsctl" / "dr"

    @property
    def state(self) -> StackState:
        """Return the state of its stack."""
        return stack_status(self.root / ".opsctl")

    @property
    def vault(self) -> Vault:
        """Return the repository, opened."""
        return vault_of(self.repository, self.key)

    def run(
        self, *words: str, project: Path | None = None, environment: Mapping[str, str] | None = None
    ) -> Run:
        """Run a command with `--json`."""
        return run(project or self.root, *words, "--json", environment=environment)

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """Start a command and return at once."""
        return subprocess.Popen(
            _command(self.root, *words),
            env=_environment(self.root),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def write_book(self, **changes: Any) -> None:
        """Write the book of backups."""
        recipient = self.runs["key"].data["recipient"]
        book = {
            "repository": str(self.repository),
            "encryption": {"recipients": [recipient], "identity_file": str(self.key)},
            "schedule": {"ship_every": _SHIP_EVERY},
        }
        (self.root / "ops" / "backup.yaml").write_text(yaml.safe_dump(book | changes))

    def listed(self, *words: str) -> list[dict[str, Any]]:
        """Return the backups as `dr list` has them."""
        backups: list[dict[str, Any]] = self.run("dr", "list", *words).data["backups"]
        return backups

    def await_shipped(self) -> None:
        """Wait until everything that is committed now is in the repository, short of a page whose end is not known."""
        wanted = _number(self.rows("select pg_current_wal_flush_lsn()::text")[0][0]) - PAGE_BYTES
        deadline = time.monotonic() + 60
        while _number(self.run("dr", "list").data["window"]["newest_lsn"]) < wanted:
            assert time.monotonic() < deadline, "the archiver does not ship"
            time.sleep(0.2)

    def rows(
        self, statement: str, *, state: StackState | None = None, database: str = "opsctl"
    ) -> list[tuple[Any, ...]]:
        """Run a statement in one of its databases and return its rows."""
        found = state or self.state
        url = f"{found.database_url.rpartition('/')[0]}/{database}"
        address = DatabaseAddress.with_password_file(url, password_file=found.database_password_file)
        with connect(address, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def points(self, collection: str = "content", *, state: StackState | None = None) -> int:
        """Return how many points a collection has."""
        with QdrantStore(QdrantPlace(url=(state or self.state).vectors_url)) as store:
            return store.count(collection)


@contextmanager
def shop(folder: Path) -> Iterator[Shop]:
    """Make a project with a full and an incremental backup, and what happened around them in the archived log."""
    made = Shop(folder)
    made.folder.mkdir(parents=True)
    made.folder.chmod(0o755)
    init_project(made.root)
    (made.root / "ops" / "collections.yaml").write_text(_COLLECTIONS)
    # Not the default: whoever restores without the books of the backup makes vectors of another kind.
    settings = made.root / "opsctl.yaml"
    settings.write_text(
        yaml.safe_dump((yaml.safe_load(settings.read_text()) or {}) | {"embedding": {"dimension": 64}})
    )
    try:
        for words in (
            ("stack", "up", "postgres", "vectors"),
            ("catalog", "generate", "--items", str(ITEMS), "--seed", "7"),
            ("collections", "rebuild", "--watch", "0s"),
        ):
            assert made.run(*words).exit_code == 0, words
        made.runs["key"] = made.run("dr", "key", "--to", str(made.key))
        made.write_book()
        made.runs["dry"] = made.run("dr", "backup", "--dry-run")
        made.runs["full"] = made.run("dr", "backup")
        assert made.run("stack", "up", "archiver").exit_code == 0
        _go_on(made)
        made.runs["incremental"] = made.run("dr", "backup")
        for title in ("one more", "and another"):
            made.rows(f"update content set title = '{title}' where id % 100 = 1")  # noqa: S608 - ours
            made.rows("select pg_switch_wal()")
        made.rows("update content set title = 'the last' where id % 100 = 1")
        assert made.run("catalog", "sync").exit_code == 0
        made.await_shipped()
        copy_of(made.repository, made.pristine)
        yield made
    finally:
        made.run("stack", "down")


def run(root: Path, *words: str, environment: Mapping[str, str] | None = None) -> Run:
    """Run a command in a project."""
    exit_code, stdout, stderr = run_as_it_is(
        *("--project", str(root), *words),
        folder=Path.cwd(),
        environment=_environment(root) | dict(environment or {}),
        timeout_seconds=300,
    )
    return Run(exit_code=exit_code, stdout=stdout, stderr=stderr)


def vault_of(repository: Path, key: Path) -> Vault:
    """Return a repository, opened with a key."""
    identity = key.read_text()
    recipient = next(line.split()[-1] for line in identity.splitlines() if "public key" in line)
    return Vault(FolderRepository(repository), Sealing(recipients=(recipient,), identities=(identity,)))


def copy_of(repository: Path, to: Path) -> Path:
    """Return a copy of a repository, to be spoiled."""
    return Path(shutil.copytree(repository, to))


def only(paths: Sequence[Path]) -> Path:
    """Return the one path that there is."""
    assert len(paths) == 1, paths
    return paths[0]


def flip(path: Path, *, at: float = 0.5) -> None:
    """Change one bit of a file."""
    data = bytearray(path.read_bytes())
    data[int(len(data) * at)] ^= 0x10
    path.write_bytes(data)


def wait_until(is_so: Any, *, seconds: float = 60.0) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _go_on(made: Shop) -> None:
    """Let things happen between both backups: items come, and some of them are deleted again."""
    made.rows("update content set title = 'of late ' || id where id % 10 = 0")
    made.moments["before"] = _now(made)
    made.rows(f"select pg_create_restore_point('{POINT}')::text")
    time.sleep(0.05)
    made.rows("delete from content where id % 3 = 0")
    made.moments["after"] = _now(made)
    assert made.run("catalog", "sync").exit_code == 0


def _now(made: Shop) -> datetime:
    at: datetime = made.rows("select clock_timestamp()")[0][0]
    return at.astimezone(UTC)


def _number(lsn: str) -> int:
    high, _, low = lsn.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


def _command(root: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "opsctl", "--project", str(root), *words]


def _environment(root: Path) -> dict[str, str]:
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("COLUMNS", "OPSCTL_", "XDG_"))
    }
    return clean | {"NO_COLOR": "1", "HOME": str(root.parent)}
