"""What does the audit see of the running parts: the table of keys, and the service with keys of its own; both when asked."""

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING

from opsctl.core.events import Listener

if TYPE_CHECKING:
    from opsctl.cli.backends import Backends
    from opsctl.store.api_keys import ApiKey

_KEY_NAME = "opsctl security audit"
_LONGEST_AUDIT_SECONDS = 900.0


class AuditedServers:
    """The servers of the project, opened when something first needs them; what was started for them stays up for the audit."""

    def __init__(self, listener: Listener, *, exit_stack: ExitStack) -> None:
        self.listener = listener
        self.exit_stack = exit_stack

    @cached_property
    def opened(self) -> "Backends":
        """Return them; they are closed with the audit."""
        from opsctl.cli import wiring

        return self.exit_stack.enter_context(wiring.backends(self.listener))


class AuditedDatabase:
    """The database of the settings, else the stack's."""

    def __init__(self, servers: AuditedServers) -> None:
        self._servers = servers

    def api_keys(self) -> "Sequence[ApiKey]":
        """Return all API keys, without what they are; the tables of somebody's own database are left as they are."""
        from opsctl.cli import wiring
        from opsctl.cli.asynchronous import on_database
        from opsctl.store.api_keys import list_keys

        is_own = wiring.settings().project.database.url is not None
        return on_database(self._servers.opened, list_keys, changes_nothing=is_own)


class AuditedService:
    """The service of the settings, else the stack's, which is started when it is down and stopped afterwards."""

    def __init__(self, servers: AuditedServers) -> None:
        self._servers = servers
        self._prefixes: list[str] = []

    @cached_property
    def base_url(self) -> str:
        """Return where it answers."""
        from opsctl.cli import wiring
        from opsctl.cli.load_target import service_url

        own = wiring.settings().project.service.url
        servers = self._servers
        return own or service_url(servers.opened, listener=servers.listener, exit_stack=servers.exit_stack)

    def key(
        self,
        *,
        plan: str = "free",
        scopes: Sequence[str] = ("feed:read",),
        lives_seconds: float = _LONGEST_AUDIT_SECONDS,
    ) -> str:
        """Return a new key that is removed when the audit is over, and ends by itself where that is killed."""
        from opsctl.cli import keying, wiring
        from opsctl.cli.asynchronous import on_database
        from opsctl.store.api_keys import create_key, draw_key

        keying.require_sense(name=_KEY_NAME, plan=plan)
        ends = wiring.clock().now() + timedelta(seconds=lives_seconds)
        opened, drawn = self._servers.opened, draw_key()
        make = partial(create_key, name=_KEY_NAME, plan=plan, scopes=scopes, expires_at=ends, drawn=drawn)
        if not self._prefixes:
            self._servers.exit_stack.callback(self._remove_keys)
        self._prefixes.append(drawn.prefix)  # before it is there: whoever interrupts now leaves none behind
        return on_database(opened, make).key

    def revoke(self, key: str) -> None:
        """End a key of the audit at once."""
        from opsctl.cli import keying

        keying.revoke(self._servers.opened, keying.require_prefix(key))

    def _remove_keys(self) -> None:
        """Remove what the audit made, and tell the workers of this machine."""
        from opsctl.cli import wiring
        from opsctl.cli.asynchronous import on_database
        from opsctl.store.api_keys import remove_keys

        on_database(self._servers.opened, partial(remove_keys, prefixes=self._prefixes, name=_KEY_NAME))
        wiring.invalidation_journal().post(*(f"apikey:{prefix}" for prefix in self._prefixes))
