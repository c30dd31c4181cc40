"""Which rows are where: the canary's in database and vectors, and the items that were there before it."""

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.core.errors import OpsError
from opsctl.dr.drill.canary import CONTENT, FIRST_ID, INTERACTIONS

if TYPE_CHECKING:
    import psycopg

    from opsctl.cli.dr_ground import LossStage
    from opsctl.dr.drill.ports import Held

_FOLLOW_SECONDS = 60.0
_POLL_SECONDS = 0.5
_PAGE = 1000


class Rows:
    """Looks at the stores of a stage, or of the stack elsewhere where the region is lost."""

    def __init__(self, stage: "LossStage") -> None:
        self._stage = stage

    def any_vendor(self) -> int:
        """Return a vendor for the canary's items."""
        with self._connect() as connection:
            row = connection.execute("select min(id) from vendors").fetchone()
        return int(row[0]) if row else 1

    def catalogue(self) -> frozenset[int]:
        """Return a number for each item that is not the canary's, made of its content."""
        with self._connect() as connection:
            rows = connection.execute(
                "select id, title, quality, region from content where id < %s", [FIRST_ID]
            )
            return frozenset(_number(row) for row in rows)

    def held(self, run: str) -> "Held":
        """Return which rows are where, as soon as the vectors hold what the database holds, or a minute is over."""
        from opsctl.dr.drill.ports import Held

        until = time.monotonic() + _FOLLOW_SECONDS
        while True:
            truth, vectors = self._content(), self._points()
            if truth == vectors or time.monotonic() > until:
                break
            time.sleep(_POLL_SECONDS)
        return Held(
            truth={CONTENT: truth, INTERACTIONS: self._interactions(run)},
            vectors={CONTENT: vectors},
            catalogue=self.catalogue(),
        )

    def service_url(self) -> str | None:
        """Return where the service is; None while it does not answer."""
        from opsctl.stack.status import stack_status

        try:
            return stack_status(self._home()).service_url
        except OpsError:
            return None

    def psql_environment(self) -> dict[str, str]:
        """Return how psql finds the database and gets in; nothing while there is none."""
        from opsctl.stack.status import stack_status

        try:
            state = stack_status(self._home())
            return {
                "DATABASE_URL": state.database_url,
                "PGPASSWORD": state.database_password_file.read_text().strip(),
            }
        except (OpsError, OSError):
            return {}

    def _content(self) -> frozenset[int]:
        with self._connect() as connection:
            rows = connection.execute("select id from content where id >= %s", [FIRST_ID])
            return frozenset(row[0] - FIRST_ID for row in rows)

    def _interactions(self, run: str) -> frozenset[int]:
        prefix = f"canary-{run}-"
        with self._connect() as connection:
            rows = connection.execute(
                "select idempotency_key from interactions where starts_with(idempotency_key, %s)", [prefix]
            )
            return frozenset(int(row[0].removeprefix(prefix)) for row in rows)

    def _points(self) -> frozenset[int]:
        return frozenset(self._scrolled())

    def _scrolled(self) -> Iterator[int]:
        from opsctl.cli import filling
        from opsctl.clients.qdrant import QdrantStore
        from opsctl.clients.qdrant_values import QdrantPlace
        from opsctl.stack.status import stack_status

        url = stack_status(self._home()).vectors_url
        with QdrantStore(QdrantPlace(url=url)) as store:
            offset: Any = FIRST_ID
            while offset is not None:
                page = store.scroll(
                    filling.source_collection(), limit=_PAGE, offset=offset, with_payload=False
                )
                yield from (point["id"] - FIRST_ID for point in page.points if point["id"] >= FIRST_ID)
                offset = page.next_offset

    def _connect(self) -> "psycopg.Connection[Any]":
        from opsctl.clients.postgres import DatabaseAddress, connect
        from opsctl.stack.status import stack_status

        state = stack_status(self._home())
        return connect(
            DatabaseAddress.with_password_file(state.database_url, password_file=state.database_password_file)
        )

    def _home(self) -> Path:
        elsewhere = self._stage.outside.elsewhere / ".opsctl"
        return elsewhere if elsewhere.is_dir() else self._stage.ground.home


def _number(row: tuple[Any, ...]) -> int:
    return int.from_bytes(hashlib.blake2b(repr(row).encode(), digest_size=8).digest(), "big")
