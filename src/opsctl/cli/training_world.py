"""What does an exercise see: the ledger, the stack, aliases, keys, the catalogue and a book, as they are now."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.core.errors import FailedError, OpsError

if TYPE_CHECKING:
    from opsctl.evidence.model import Record
    from opsctl.store.api_keys import ApiKey
    from opsctl.training.attempt import Attempt
    from opsctl.training.book import Seen

BROKEN_TITLE = "a load for training"


class LocalWorld:
    """The project that we stand in; what it cannot see it says by an error."""

    def __init__(self, attempt: "Attempt") -> None:
        self._attempt = attempt

    def records(self, kind: str) -> "Sequence[Record]":
        """Return the records of a kind since the start, the newest first.

        Raises:
            FailedError: TRN003 the ledger was changed by hand, so none of its records counts.
        """
        from opsctl.cli import wiring

        ledger = wiring.ledger()
        if not ledger.verify().ok:
            raise FailedError(
                "the evidence ledger is not whole, so none of its records counts",
                code="TRN003",
                fix="opsctl evidence verify says where it was changed",
            )
        found = ledger.records(kind=kind)
        return [each for each in found if each.kind == kind and each.sequence > self._attempt.sequence]

    def prepared_answers(self, name: str) -> Sequence[str]:
        """Return what was kept at the start as right answers."""
        return tuple(self._attempt.facts.get("answers", {}).get(name, ()))

    def is_so(self, what: "Seen") -> bool:
        """Look at one thing."""
        from opsctl.training.book import Seen

        looks = {
            Seen.PARTS_READY: self._parts_are_ready,
            Seen.ALIAS_LEADS: self._alias_leads,
            Seen.KEY_REVOKED: self._key_is_revoked,
            Seen.KEY_REPLACED: lambda: any(self._replaces(key) for key in self._keys()),
            Seen.VECTORS_FOLLOW: _vectors_follow,
            Seen.BOOK_RIGHT: _book_is_right,
        }
        return looks[what]()

    def _parts_are_ready(self) -> bool:
        from opsctl.cli import wiring
        from opsctl.stack.status import stack_status

        wanted = set(self._attempt.facts.get("parts", ()))
        ready = {str(part.name) for part in stack_status(wiring.settings().home).parts if part.ready}
        return bool(wanted) and wanted <= ready

    def _alias_leads(self) -> bool:
        from opsctl.cli import wiring
        from opsctl.core.events import ignore

        with wiring.backends(ignore) as servers:
            store = servers.vectors()
            leads_to = store.aliases().get(self._attempt.facts["alias"])
            return leads_to is not None and leads_to in store.collections()

    def _keys(self) -> "Sequence[ApiKey]":
        from opsctl.cli import wiring
        from opsctl.cli.asynchronous import on_database
        from opsctl.core.events import ignore
        from opsctl.store.api_keys import list_keys

        with wiring.backends(ignore) as servers:
            return on_database(servers, list_keys)

    def _key_is_revoked(self) -> bool:
        leaked = [key for key in self._keys() if self._is_leaked(key)]
        return bool(leaked) and not any(_holds(key) for key in leaked)  # one that is gone was not revoked

    def _is_leaked(self, key: "ApiKey") -> bool:
        return bool(key.prefix == self._attempt.facts["prefix"])

    def _replaces(self, key: "ApiKey") -> bool:
        is_new = key.created_at > self._attempt.started_at and not self._is_leaked(key)
        return is_new and _holds(key) and set(key.scopes) == set(self._attempt.facts["scopes"])


def _holds(key: "ApiKey") -> bool:
    from opsctl.cli import wiring

    now = wiring.clock().now()
    return key.revoked_at is None and (key.expires_at is None or key.expires_at > now)


def _vectors_follow() -> bool:
    from opsctl.cli import filling, wiring
    from opsctl.core.events import ignore

    with wiring.backends(ignore) as servers:
        return filling.overview(servers).lag_changes == 0


def broken_book() -> Path:
    """Return where the book of an exercise is."""
    from opsctl.cli import wiring

    settings = wiring.settings()
    return settings.root / settings.project.books.loads / "training.yaml"


def _book_is_right() -> bool:
    """Tell whether the book is still that of the exercise, and right."""
    from opsctl.bench.load.book import LoadBook
    from opsctl.config.load import load_book

    try:
        return load_book(broken_book(), LoadBook).title == BROKEN_TITLE
    except OpsError:
        return False  # not there, or still wrong: both are what the exercise is about
