"""With what does `status` look: the service's metrics, the stack, the ledger, and the watchers where they run."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from opsctl.core.errors import OpsError

if TYPE_CHECKING:
    from opsctl.clients.alertmanager import HeldAlert
    from opsctl.clients.prometheus import ActiveAlert
    from opsctl.core.clock import Clock
    from opsctl.stack.model import StackState
    from opsctl.status.figures import Reading
    from opsctl.status.look import Look, SeenAlert, SeenEvidence, SeenPart

_SHORTEST_SECONDS, _LONGEST_SECONDS = 0.5, 600.0
# The first figures of a live view come soon, whatever the time between two looks.
_FIRST_SECONDS = 1.0
_PATIENCE_SECONDS = 2.0
_NOBODY_WATCHES = "nobody watches: `opsctl stack up --watch` starts Prometheus and Alertmanager"

Wait = Callable[[float], bool]
"""Waits that many seconds; false as soon as nobody wants to see more."""


def interval(text: str) -> float:
    """Return the seconds between two looks.

    Raises:
        BadParameter: it is no duration, or none that makes sense.
    """
    from opsctl.core.units import parse_duration

    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--every") from error
    if not _SHORTEST_SECONDS <= seconds <= _LONGEST_SECONDS:
        raise typer.BadParameter("from 500ms to 10m", param_hint="--every")
    return seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Eyes:
    """What is looked at: the stack, the figures of its service, and both with all else that is known."""

    stack: "Callable[[], StackState]"
    reading: "Callable[[StackState], Reading | None]"
    look: "Callable[[Reading | None, Reading | None, StackState], Look]"


def look_once(*, every_seconds: float) -> "Look":
    """Return one look, after two readings."""
    from opsctl.cli import wiring

    def wait(seconds: float) -> bool:
        wiring.clock().sleep(seconds)
        return True

    return next(looks(every_seconds=every_seconds, wait=wait, first_seconds=every_seconds))


def looks(
    *,
    every_seconds: float,
    wait: Wait,
    first_seconds: float = _FIRST_SECONDS,
    clock: "Clock | None" = None,
    eyes: Eyes | None = None,
) -> "Iterator[Look]":
    """Yield a look each so many seconds until `wait` says stop; a service that goes away is a look, never an error."""
    from opsctl.cli import wiring

    clock = clock or wiring.clock()
    eyes = eyes or Eyes(stack=_stack, reading=lambda stack: _read(_service_address(stack)), look=_look)
    due = clock.monotonic()
    before = eyes.reading(eyes.stack())
    seconds = min(first_seconds, every_seconds)
    while True:
        # From one due time to the next, so that the time that looking takes does not add up.
        now = clock.monotonic()
        due = max(due + seconds, now)
        if not wait(due - now):
            return
        seconds = every_seconds
        stack = eyes.stack()
        after = eyes.reading(stack)
        yield eyes.look(before, after, stack)
        before = after


def _look(before: "Reading | None", after: "Reading | None", stack: "StackState") -> "Look":
    from opsctl.cli import wiring
    from opsctl.status.figures import signals
    from opsctl.status.look import Look

    address = _service_address(stack)
    alerts, note = _alerts(stack)
    silence = None
    if after is None:
        silence = (
            f"{address}/metrics does not answer as the ranking service does: `opsctl stack up` starts it"
        )
    elif before is None:
        silence = f"{address} has just begun to answer; figures come with the next look"
    return Look(
        at=wiring.clock().now(),
        service=address,
        signals=signals(before, after) if before and after else None,
        alerts=alerts,
        parts=_parts(stack),
        evidence=_newest_evidence(),
        silence=silence,
        note=note,
    )


def _stack() -> "StackState":
    from opsctl.cli import wiring
    from opsctl.stack.status import stack_status

    return stack_status(wiring.settings().home)


def _service_address(stack: "StackState") -> str:
    """Return where the service is, or was until it went away."""
    from opsctl.cli import wiring
    from opsctl.stack.model import PartName, PartStatus
    from opsctl.stack.spec import PARTS

    part, url = stack.part(PartName.SERVICE), wiring.settings().project.service.url
    is_ours = part.status in (PartStatus.RUNNING, PartStatus.CRASHED) and part.port is not None
    if url is None and is_ours and part.port is not None:
        return PARTS[PartName.SERVICE].url(part.port)
    return (url or wiring.service_address()).rstrip("/")


def _read(address: str) -> "Reading | None":
    """Return what the service exposes; None where it does not answer, or something else does."""
    from opsctl.cli import wiring
    from opsctl.clients.exposition import read_samples
    from opsctl.status.figures import Reading

    key = os.environ.get("OPSCTL_LOAD_KEY")
    headers = {"authorization": f"Bearer {key}"} if key else {}
    samples = read_samples(f"{address}/metrics", headers=headers, timeout_seconds=_PATIENCE_SECONDS)
    reading = Reading(at=wiring.clock().monotonic(), samples=samples)
    return reading if reading.is_of_service else None


def _alerts(stack: "StackState") -> "tuple[Sequence[SeenAlert] | None, str | None]":
    """Return what Prometheus holds, or why that is not known."""
    from opsctl.cli import wiring
    from opsctl.clients.prometheus import Prometheus
    from opsctl.stack.model import PartName

    watch = wiring.settings().project.watch
    url = watch.prometheus_url or stack.url_of(PartName.PROMETHEUS)
    if url is None:
        return None, _NOBODY_WATCHES
    try:
        found = Prometheus(url, timeout_seconds=_PATIENCE_SECONDS).alerts()
    except OpsError as error:
        return None, f"{error.message}: {error.fix}"
    held = _held(watch.alertmanager_url or stack.url_of(PartName.ALERTMANAGER))
    return [_seen(each, held) for each in found], None


def _held(url: str | None) -> "tuple[HeldAlert, ...]":
    """Return what Alertmanager holds; nothing where it cannot say, since Prometheus' word is enough."""
    from opsctl.clients.alertmanager import Alertmanager

    if url is None:
        return ()
    try:
        return Alertmanager(url).alerts()
    except OpsError:
        return ()


def _seen(alert: "ActiveAlert", held: "Sequence[HeldAlert]") -> "SeenAlert":
    from opsctl.status.look import SeenAlert

    labels = alert.labels.items()
    return SeenAlert(
        name=alert.name,
        state=alert.state,
        severity=alert.labels.get("severity", ""),
        summary=alert.annotations.get("summary", ""),
        is_muted=any(each.state == "suppressed" and labels <= each.labels.items() for each in held),
    )


def _parts(stack: "StackState") -> "tuple[SeenPart, ...]":
    from opsctl.status.look import SeenPart

    return tuple(
        SeenPart(name=part.name, status=str(part.status), is_ready=part.ready)
        for part in stack.parts
        if part.port is not None
    )


def _newest_evidence() -> "SeenEvidence | None":
    from opsctl.cli import wiring
    from opsctl.status.look import SeenEvidence

    try:
        records = wiring.ledger().records(limit=1)
    except OpsError:
        return None
    if not records:
        return None
    newest = records[0]
    return SeenEvidence(
        kind=newest.kind,
        subject=newest.subject,
        verdict=str(newest.verdict),
        recorded_at=newest.recorded_at,
        is_stale=newest.is_stale(wiring.clock().now()),
    )
