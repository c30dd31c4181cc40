"""What does a load become when the command line says otherwise: another rate, duration, seed, in proportion."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from opsctl.bench.load.book import LoadBook
from opsctl.bench.load.gates import RATES, parse_gate
from opsctl.bench.load.phases import Phase, Ramp, Spike, Stairs
from opsctl.core.errors import UsageError
from opsctl.core.findings import Finding, Severity
from opsctl.core.units import parse_duration

_RATE_KEYS = ("rate", "start", "end", "base", "peak")
_DURATION_KEYS = ("duration", "peak_duration", "step_duration")


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustments:
    """What the command line says; None keeps what the book says.

    Args:
        rate: the highest one of the plan; all others follow in proportion, and so do gates for rates.
        duration: of the whole plan; all phases follow in proportion.
        gates: stand instead of those of the book.
    """

    rate: float | None = None
    duration: str | None = None
    users: int | None = None
    seed: int | None = None
    processes: int | None = None
    connections: int | None = None
    target: str | None = None
    loop: str | None = None
    gates: Sequence[str] = ()


def adjusted(book: LoadBook, changes: Adjustments) -> LoadBook:
    """Return the book as the command line has it, checked like one that was written so.

    Raises:
        UsageError: BEN030 a gate is wrong, BEN046 another value.
    """
    plain = book.model_dump(mode="json")
    for name in ("seed", "processes", "target", "loop"):
        if getattr(changes, name) is not None:
            plain[name] = getattr(changes, name)
    if changes.users is not None:
        plain["users"]["count"] = changes.users
    if changes.connections is not None:
        plain["limits"]["connections"] = changes.connections
    if changes.gates:
        plain["gates"] = _checked(changes.gates, book)
    if changes.duration is not None:
        _stretch(plain, factor=_seconds(changes.duration) / book.duration_seconds)
    if changes.rate is not None:
        _speed_up(plain, factor=changes.rate / highest_rate(book.arrivals), keeps_gates=bool(changes.gates))
    try:
        return LoadBook.model_validate(plain)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UsageError(
            f"the load cannot be changed so: `{place}` would be `{first['input']}`",
            code="BEN046",
            why=first["msg"],
            fix="choose a value within the bounds: opsctl config schema load",
        ) from error


def highest_rate(phases: Sequence[Phase]) -> float:
    """Return the highest rate that is planned."""
    return max(rate for phase in phases for rate in _rates(phase))


def _rates(phase: Phase) -> tuple[float, ...]:
    if isinstance(phase, Ramp | Stairs):
        return phase.start, phase.end
    return (phase.base, phase.peak) if isinstance(phase, Spike) else (phase.rate,)


def _checked(gates: Sequence[str], book: LoadBook) -> list[str]:
    findings = []
    for gate in gates:
        try:
            parse_gate(gate, endpoints=book.mix)
        except ValueError as error:
            findings.append(Finding(code="BEN030", severity=Severity.ERROR, title=str(error)))
    if findings:
        count = len(findings)
        raise UsageError(
            f"{count} of {len(gates)} gates {'is' if count == 1 else 'are'} none",
            code="BEN030",
            findings=findings,
            fix="see the forms: opsctl explain BEN030",
        )
    return list(gates)


def _seconds(text: str) -> float:
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise UsageError(str(error), code="BEN014", fix="write it as `30s` or `2m`") from error
    if seconds < 1:
        raise UsageError(
            f"`{text}` is too short for a load", code="BEN046", fix="run it for a second at least"
        )
    return seconds


def _stretch(plain: dict[str, Any], *, factor: float) -> None:
    for phase in plain["arrivals"]:
        for key in _DURATION_KEYS:
            if key in phase:
                phase[key] = f"{max(parse_duration(phase[key]) * factor, 0.001):.3f}s"


def _speed_up(plain: dict[str, Any], *, factor: float, keeps_gates: bool) -> None:
    for phase in plain["arrivals"]:
        for key in _RATE_KEYS:
            if key in phase:
                phase[key] *= factor
    if not keeps_gates:
        plain["gates"] = [_gate_for(gate, factor) for gate in plain["gates"]]


def _gate_for(text: str, factor: float) -> str:
    gate = parse_gate(text)
    if gate.metric not in RATES:
        return text
    number = f"{gate.limit * factor:.3f}".rstrip("0").rstrip(".")
    return re.sub(r"[\d.]+(?:\s*/s)?$", f"{number}/s", text)
