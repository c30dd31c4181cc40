"""The real service as probes see it, with keys in its database, whatever address leads to it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from tests.fakes.clock import FakeClock
from tests.security.audited_project import AuditedProject
from tests.store.opened import on

from opsctl.clients.postgres import DatabaseAddress
from opsctl.core.events import ignore
from opsctl.security.audit import Checked, audit
from opsctl.security.context import Listening
from opsctl.security.model import SecurityCheck
from opsctl.service.cache.journal import InvalidationJournal
from opsctl.service.cache.places import journal_path
from opsctl.store.api_keys import create_key, prefix_of, revoke_key


@dataclass
class ProbedService:
    """A service at an address (`security.context.LiveService`)."""

    base_url: str
    database: DatabaseAddress
    home: Path
    made: list[str] = field(default_factory=list)

    def key(
        self, *, plan: str = "free", scopes: Sequence[str] = ("feed:read",), lives_seconds: float = 900.0
    ) -> str:
        """Make a key."""
        ends = datetime.now(UTC) + timedelta(seconds=lives_seconds)
        make = partial(create_key, name="probes", plan=plan, scopes=scopes, expires_at=ends)
        made = on(self.database, make).key
        self.made.append(made)
        return made

    def revoke(self, key: str) -> None:
        """End a key, and tell the workers."""
        prefix = prefix_of(key) or ""
        on(self.database, partial(revoke_key, prefix=prefix))
        InvalidationJournal(journal_path(self.home)).post(f"apikey:{prefix}")


@dataclass(frozen=True)
class Logs:
    """A machine that has these logs (`security.context.Machine`)."""

    paths: tuple[Path, ...]

    def listening(self) -> Sequence[Listening]:
        """Return nothing."""
        return ()

    def logs(self) -> Sequence[Path]:
        """Return the logs."""
        return self.paths


def probe(
    check: SecurityCheck,
    service: ProbedService,
    *,
    root: Path,
    url: str | None = None,
    logs: tuple[Path, ...] = (),
) -> Checked:
    """Return what a check says of the service, or of whatever stands at `url` in front of it."""
    context = AuditedProject(root).context()
    seen = replace(service, base_url=url or service.base_url)
    context = replace(context, service=seen, machine=Logs(logs))
    return audit([check], context=context, waivers=(), clock=FakeClock(), listener=ignore).checked[0]
