"""How is the service asked by a check: with the audit's own keys, about readers and items that nobody else has.

A reader whom nobody knows gets a feed, and a running experiment gives them an arm: so the checks make few of them, and
ask for what is refused wherever a refusal tells as much.
"""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opsctl.clients.wire import Fields, Wire, WireAnswer
from opsctl.security.context import Context
from opsctl.security.model import CannotTellError
from opsctl.security.probing.shortage import Shortage, is_unready, place_of

UNLIMITED = "bench"
_FIRST_DEFECT = 500
READ = ("feed:read", "content:read")
ALL = (*READ, "interactions:write", "content:write")
# Above all ids that a catalogue or a shop gives, below the largest that the database can hold.
_FIRST_STRANGER = 2**61
_STRANGERS = 2**60


class Target:
    """A running service, asked over one connection; `shortage` holds what it answered with 503 to the last."""

    def __init__(self, wire: Wire, *, shortage: Shortage) -> None:
        self.wire = wire
        self.shortage = shortage

    def get(self, target: str, *, key: str | None = None, headers: Fields = ()) -> WireAnswer:
        """Ask for something."""
        return self.ask("GET", target, key=key, headers=headers)

    def ask(
        self,
        method: str,
        target: str,
        *,
        key: str | None = None,
        headers: Fields = (),
        body: bytes | None = None,
    ) -> WireAnswer:
        """Ask in any way, as JSON where there is a body and nothing else is said of it; again after a 503 that says when."""
        return self.shortage.patiently(
            place_of(method, target), lambda: self.once(method, target, key=key, headers=headers, body=body)
        )

    def once(
        self,
        method: str,
        target: str,
        *,
        key: str | None = None,
        headers: Fields = (),
        body: bytes | None = None,
    ) -> WireAnswer:
        """Ask, whatever comes."""
        given = {name.lower() for name, _ in headers}
        extra = [("Authorization", f"Bearer {key}")] if key and "authorization" not in given else []
        if body is not None and "content-type" not in given:
            extra.append(("Content-Type", "application/json"))
        return self.wire.ask(method, target, headers=[*headers, *extra], body=body)

    def raw(self, *pieces: bytes, method: str = "GET", pause_seconds: float = 0.0) -> WireAnswer | None:
        """Send bytes as they are on a connection of their own."""
        self.wire.close()
        try:
            answer = self.wire.send(*pieces, method=method, pause_seconds=pause_seconds)
        finally:
            self.wire.close()
        if answer is not None:
            self.shortage.note("message", answer)
        return answer

    def is_well(self) -> bool:
        """Tell whether the next honest client is served."""
        return self.get("/healthz").status == 200

    def require_honest_served(self, key: str, *, breaks_show: bool = True) -> None:
        """Make sure that an honest request with a good key is not refused: what is refused whatever it is proves nothing.

        Args:
            key: of the audit.
            breaks_show: the check itself finds a 5xx; what is only busy is told by `shortage` anyway.

        Raises:
            CannotTellError: it is, such as where the service asks another database about keys than the audit.
        """
        answer = self.get("/v1/trending?limit=1", key=key)
        status = answer.status
        if status != 200 and not is_unready(answer) and not (breaks_show and status >= _FIRST_DEFECT):
            raise CannotTellError(
                f"an honest request with a key of the audit's own is answered with {status} instead of 200",
                mend="let the service serve, and `database.url` be the database that it asks about keys",
            )

    def contract(self) -> dict[str, Any]:
        """Return the OpenAPI document of the service.

        Raises:
            CannotTellError: it shows none.
        """
        answer = self.get("/openapi.json")
        try:
            document = json.loads(answer.body) if answer.status == 200 else None
        except ValueError:
            document = None
        if not isinstance(document, dict) or "paths" not in document:
            raise CannotTellError(
                f"`/openapi.json` answers {answer.status} without a document",
                mend="what its operations are cannot be known: let the service show its contract",
            )
        return document


@contextmanager
def asking(context: Context, *, seconds: float = 10.0, shortage: Shortage | None = None) -> Iterator[Target]:
    """Give the service of the project; the connection is closed afterwards. One check's connections share a shortage."""
    with Wire(context.service.base_url, seconds=seconds) as wire:
        yield Target(wire, shortage=Shortage() if shortage is None else shortage)


def stranger() -> int:
    """Return the id of a reader or an item that nobody has, another one each time."""
    return _FIRST_STRANGER + secrets.randbelow(_STRANGERS)
