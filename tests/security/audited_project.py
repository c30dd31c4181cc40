"""A project to audit: real files, real git, real programs; the database, the service and the machine as the test says."""

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.fakes.clock import FakeClock

from opsctl.clients.programs import ProgramEnd, run_program
from opsctl.config.settings import resolve_settings
from opsctl.core.errors import NotReadyError
from opsctl.core.events import ignore
from opsctl.evidence.chain import Verification
from opsctl.evidence.ledger import Ledger
from opsctl.security.audit import Checked, audit
from opsctl.security.context import Context, Listening, SecretSource
from opsctl.security.model import SecurityCheck
from opsctl.store.api_keys import ApiKey

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
Answering = Callable[[Sequence[str]], ProgramEnd | None]

# Made of parts, so that the audit of this repository does not take it for a secret that was committed.
GITHUB_TOKEN = "ghp_" + "9fK2mQx7Rb4TzW8pL3vN" + "6cJ1hD5sYg0eAuZi"
OPSCTL_KEY = "opk_" + "q7Rk2mVx" + "_" + "9TzL4bWc8NfJ3hGd" + "6PsYe1XuKa5Mv0Qr"


class Programs:
    """Runs programs for real, but for those that `answering` answers for."""

    def __init__(self, root: Path, answering: Answering | None, environment: Mapping[str, str]) -> None:
        self._root = root
        self._answering = answering
        self._environment = environment
        self.ran: list[Sequence[str]] = []

    def run(
        self,
        argv: Sequence[str],
        *,
        seconds: float,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> ProgramEnd:
        """Run a program, or give the answer of the test."""
        self.ran.append(argv)
        answer = self._answering(argv) if self._answering is not None else None
        return answer or run_program(
            argv, seconds=seconds, folder=folder or self._root, environment=environment or self._environment
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """A database with these keys; None stands for one that does not answer."""

    found: Sequence[ApiKey] | None

    def api_keys(self) -> Sequence[ApiKey]:
        """Return the keys."""
        if self.found is None:
            raise NotReadyError("no database answers", code="DBS001", fix="opsctl stack up")
        return self.found


class NoService:
    """No service: checks that need one could not tell."""

    @property
    def base_url(self) -> str:
        """Refuse."""
        raise NotReadyError("no service answers", code="STK001", fix="opsctl stack up")

    def key(self, *, plan: str = "free", scopes: Sequence[str] = (), lives_seconds: float = 900.0) -> str:
        """Refuse."""
        raise NotReadyError("no service answers", code="STK001", fix="opsctl stack up")

    def revoke(self, key: str) -> None:
        """Refuse."""
        raise NotReadyError("no service answers", code="STK001", fix="opsctl stack up")


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A machine on which this listens."""

    sockets: Sequence[Listening] = ()
    home: Path

    def listening(self) -> Sequence[Listening]:
        """Return what listens."""
        return self.sockets

    def logs(self) -> Sequence[Path]:
        """Return the logs of the state folder."""
        return tuple(sorted((self.home / "logs").glob("*.log")))


@dataclass
class AuditedProject:
    """A folder with files; `look` asks a check about it."""

    root: Path
    secrets: list[SecretSource] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    keys: Sequence[ApiKey] | None = None
    sockets: Sequence[Listening] = ()
    answering: Answering | None = None
    programs_environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def write(self, path: str, text: str, *, mode: int = 0o600) -> Path:
        """Write a file of the project."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)
        return file

    def git(self, *arguments: str) -> str:
        """Run a git command that must be good."""
        name = ("-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "init.defaultBranch=main")
        done = subprocess.run(
            ["git", *name, *arguments], cwd=self.root, check=True, capture_output=True, text=True
        )
        return done.stdout

    def commit(self, message: str = "A change") -> None:
        """Commit everything."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)

    def secret_file(self, name: str, path: str, value: str, *, mode: int = 0o600) -> Path:
        """Write a file of a secret, and name it in the settings."""
        file = self.write(path, value, mode=mode)
        self.secrets.append(
            SecretSource(name=name, variable=None, file=file, named_by=f"opsctl.yaml: {name}")
        )
        return file

    def secret_variable(self, variable: str, value: str) -> None:
        """Set a variable that holds a secret."""
        self.environment[variable] = value
        self.secrets.append(SecretSource(name=variable.lower(), variable=variable, file=None, named_by=""))

    def context(self) -> Context:
        """Return what a check sees of the project."""
        settings = resolve_settings(root=self.root, environment={}, user_file=None, flags={})
        books = sorted(path.relative_to(self.root) for path in self.root.rglob("*.yaml"))
        return Context(
            settings=settings,
            environment=self.environment,
            now=NOW,
            commands=Programs(self.root, self.answering, self.programs_environment),
            database=Keys(found=self.keys),
            service=NoService(),
            machine=Running(sockets=self.sockets, home=settings.home),
            secrets=tuple(self.secrets),
            books=tuple(books),
            verify_ledger=self._verify,
        )

    def _verify(self) -> Verification:
        return Ledger(self.root / ".opsctl" / "evidence", clock=FakeClock()).verify()


def look_at(check: SecurityCheck, project: AuditedProject) -> Checked:
    """Return how a check ends, as an audit without waivers has it."""
    found = audit([check], context=project.context(), waivers=(), clock=FakeClock(), listener=ignore)
    return found.checked[0]
