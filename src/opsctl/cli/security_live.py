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


class AuditedDatabase:
    """The database, opened for as long as a question lasts; no stack is started for it."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def api_keys(self) -> "Sequence[ApiKey]":
        """Return all API keys, without what they are."""
        from opsctl.cli import wiring
        from opsctl.cli.asynchronous import on_database
        from opsctl.core.errors import NotReadyError
        from opsctl.stack.status import stack_status
        from opsctl.store.api_keys import list_keys

        settings = wiring.settings()
        if settings.project.database.url is None and not stack_status(settings.home).ready:
            raise NotReadyError("the database of the stack is down", code="STK001", fix="opsctl stack up")
        with wiring.backends(self._listener) as servers:
            return on_database(servers, list_keys)


class AuditedService:
    """The service of the settings, else the stack's, which is started when it is down and stopped afterwards."""

    def __init__(self, listener: Listener, *, exit_stack: ExitStack) -> None:
        self._listener = listener
        self._exit_stack = exit_stack
        self._prefixes: list[str] = []

    @cached_property
    def base_url(self) -> str:
        """Return where it answers."""
        from opsctl.cli import wiring
        from opsctl.cli.load_target import service_url

        own = wiring.settings().project.service.url
        return own or service_url(self._servers, listener=self._listener, exit_stack=self._exit_stack)

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
        from opsctl.store.api_keys import create_key

        keying.require_sense(name=_KEY_NAME, plan=plan)
        ends = wiring.clock().now() + timedelta(seconds=lives_seconds)
        make = partial(create_key, name=_KEY_NAME, plan=plan, scopes=scopes, expires_at=ends)
        if not self._prefixes:
            self._exit_stack.callback(self._remove_keys)
        made = on_database(self._servers, make)
        self._prefixes.append(made.record.prefix)
        return made.key

    def revoke(self, key: str) -> None:
        """End a key of the audit at once."""
        from opsctl.cli import keying

        keying.revoke(self._servers, keying.require_prefix(key))

    def _remove_keys(self) -> None:
        """Remove what the audit made, and tell the workers of this machine."""
        from opsctl.cli import wiring
        from opsctl.cli.asynchronous import on_database
        from opsctl.store.api_keys import remove_keys

        on_database(self._servers, partial(remove_keys, prefixes=self._prefixes, name=_KEY_NAME))
        wiring.invalidation_journal().post(*(f"apikey:{prefix}" for prefix in self._prefixes))

    @cached_property
    def _servers(self) -> "Backends":
        from opsctl.cli import wiring

        return self._exit_stack.enter_context(wiring.backends(self._listener))
