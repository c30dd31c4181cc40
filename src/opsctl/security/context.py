"""What does a check of security see of the world: files, settings, commands, a database, a service; all handed in."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from opsctl.clients.programs import ProgramEnd
from opsctl.config.settings import Settings
from opsctl.evidence.chain import Verification
from opsctl.store.api_keys import ApiKey


class Commands(Protocol):
    """Runs other programs."""

    def run(
        self,
        argv: Sequence[str],
        *,
        seconds: float,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> ProgramEnd:
        """Run a program to its end and return how it ended, whatever its code.

        Args:
            argv: program and arguments; never a shell.
            seconds: after this time it is ended.
            folder: in which it runs; the project's without one.
            environment: the whole of it; ours, without opsctl's secrets, where none is given.

        Raises:
            OpsError: it cannot be started, or was not done in time.
        """
        ...


class Database(Protocol):
    """The relational database, opened when it is first asked for something."""

    def api_keys(self) -> Sequence[ApiKey]:
        """Return all API keys, without what they are.

        Raises:
            OpsError: it does not answer.
        """
        ...


class LiveService(Protocol):
    """The ranking service: the one of the settings, else the stack's, started when it is first asked for."""

    @property
    def base_url(self) -> str:
        """Return where it answers, such as `http://127.0.0.1:8000`.

        Raises:
            OpsError: there is none, and none could be started.
        """
        ...

    def key(
        self, *, plan: str = "free", scopes: Sequence[str] = ("feed:read",), lives_seconds: float = 900.0
    ) -> str:
        """Return a new key; it is removed when the audit is over, and ends by itself where that is killed.

        Raises:
            OpsError: the database does not answer, or there is no such plan.
        """
        ...

    def revoke(self, key: str) -> None:
        """End a key of the audit before the audit is over; the workers of this machine refuse it at once.

        Raises:
            OpsError: the database does not answer.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """A TCP port on which a process of the stack listens."""

    part: str
    address: str
    port: int


class Machine(Protocol):
    """What of the project runs on this machine."""

    def listening(self) -> Sequence[Listening]:
        """Return every port on which a running part of the stack listens; empty where nothing runs.

        Raises:
            OpsError: the kernel does not say whose a port is.
        """
        ...

    def logs(self) -> Sequence[Path]:
        """Return the log files of the stack."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretSource:
    """Where a secret comes from; what it is stays there.

    Args:
        name: what it opens, such as `database password`.
        variable: the environment variable that may hold it; None where there is none.
        file: the file that the settings or a book names; None where none is named.
        named_by: where the file is named, such as `opsctl.yaml: database.password_file`.
    """

    name: str
    variable: str | None
    file: Path | None
    named_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Everything that a check may look at.

    Args:
        settings: of the project, with origins.
        environment: of this process; only names of secrets may be told.
        now: the time of the audit.
        commands: runs programs.
        database: the relational database.
        service: the ranking service.
        machine: what runs here.
        secrets: where each secret comes from.
        books: each YAML book that is there, relative to the project.
        verify_ledger: walks the chain of proofs.
    """

    settings: Settings
    environment: Mapping[str, str]
    now: datetime
    commands: Commands
    database: Database
    service: LiveService
    machine: Machine
    secrets: Sequence[SecretSource]
    books: Sequence[Path]
    verify_ledger: Callable[[], Verification]

    @property
    def root(self) -> Path:
        """Return the folder of the project."""
        return self.settings.root

    @property
    def home(self) -> Path:
        """Return the state folder, `.opsctl`."""
        return self.settings.home
