"""Which JSON document does a command print: its data in the common envelope, stamped with time and version."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from opsctl import __version__
from opsctl.core.envelope import Document, Meta
from opsctl.core.findings import Finding


def document(
    schema: str, *, data: Any, ok: bool, findings: Sequence[Finding] = (), version: int = 1
) -> Document:
    """Return the envelope for `schema`, such as `opsctl.stack.status`."""
    duration_seconds = _process_age_seconds()
    meta = Meta(
        version=__version__,
        started_at=datetime.now(UTC) - timedelta(seconds=duration_seconds),
        duration_seconds=round(duration_seconds, 3),
    )
    return Document(schema=f"{schema}/v{version}", ok=ok, data=data, findings=findings, meta=meta)


def _process_age_seconds() -> float:
    """Return how long this command has been running, its imports included."""
    import time

    with open("/proc/self/stat", encoding="ascii") as file:  # noqa: PTH123 - not a user's file
        started_ticks = int(file.read().rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started_ticks / 100
