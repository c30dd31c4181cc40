"""With what does `status` look: the service's metrics, and Prometheus where it runs."""

import os
from typing import TYPE_CHECKING

from opsctl.core.errors import OpsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from opsctl.status.figures import Reading
    from opsctl.status.look import Look, SeenAlert

_NOBODY_WATCHES = "nobody watches: `opsctl stack up --watch` starts Prometheus and Alertmanager"


def look_once(*, every_seconds: float) -> "Look":
    """Return one look, after two readings."""
    return next(looks(every_seconds=every_seconds))


def looks(*, every_seconds: float) -> "Iterator[Look]":
    """Yield a look each so many seconds; a service that goes away is a look that says so, never an error."""
    from opsctl.cli import wiring
    from opsctl.status.figures import signals
    from opsctl.status.look import Look

    clock, address = wiring.clock(), wiring.service_address()
    before = _read(address)
    while True:
        clock.sleep(every_seconds)
        after = _read(address)
        alerts, note = _alerts()
        if before is None or after is None:
            gone = f"{address} does not answer: `opsctl stack up` starts the service"
            yield Look(service=address, signals=None, alerts=alerts, note=gone)
        else:
            yield Look(service=address, signals=signals(before, after), alerts=alerts, note=note)
        before = after


def _read(address: str) -> "Reading | None":
    from opsctl.cli import wiring
    from opsctl.clients.exposition import read_samples
    from opsctl.status.figures import Reading

    key = os.environ.get("OPSCTL_LOAD_KEY")
    samples = read_samples(f"{address}/metrics", headers={"authorization": f"Bearer {key}"} if key else {})
    return Reading(at=wiring.clock().monotonic(), samples=samples) if samples else None


def _alerts() -> "tuple[Sequence[SeenAlert] | None, str | None]":
    from opsctl.cli import watching
    from opsctl.clients.prometheus import Prometheus
    from opsctl.status.look import SeenAlert

    url = watching.watcher_url("prometheus")
    if url is None:
        return None, _NOBODY_WATCHES
    try:
        found = Prometheus(url, timeout_seconds=2).alerts()
    except OpsError as error:
        return None, error.message
    seen = [
        SeenAlert(
            name=each.name,
            state=each.state,
            severity=each.labels.get("severity", ""),
            summary=each.annotations.get("summary", ""),
        )
        for each in found
    ]
    return seen, None
