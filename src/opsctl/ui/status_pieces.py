"""In which words and colours is each thing of the service's state said?"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from opsctl.core.units import format_count, format_duration
from opsctl.status.figures import BAD_ERROR_RATIO, Signals
from opsctl.status.look import Look, SeenAlert, SeenEvidence, SeenPart

_COLOURS = {"critical": "bold red", "warning": "yellow", "info": "cyan"}


@dataclass(frozen=True, slots=True)
class Piece:
    """Words that stay on one line, and what stands between them and those before."""

    words: str
    style: str = ""
    gap: str = "   "


def saturation_pieces(found: Signals) -> Iterator[tuple[str, list[Piece]]]:
    """Yield what fills up: caches, pool, queues."""
    hits = [Piece(f"{tier.upper()} {_percent(ratio)}") for tier, ratio in found.hit_ratio.items()]
    yield "hits", hits or [Piece("nothing was looked up", "dim")]
    tiers = [Piece(f"{tier} {_percent(share)}") for tier, share in found.tiers.items() if share]
    made = [Piece(f"p99 {time_text(found.generation_seconds)}"), *tiers]
    yield "making feeds", made if tiers else [Piece("none was made", "dim")]
    yield (
        "workers",
        [
            Piece(f"{found.workers:.0f} at {_percent(found.worker_use)} of a core"),
            Piece(f"loop lag p99 {time_text(found.loop_lag_seconds)}"),
            Piece(f"{found.in_flight:.0f} in flight"),
        ],
    )
    yield (
        "pool",
        [
            Piece(f"{found.pool_busy:.0f} busy"),
            Piece(f"{found.pool_idle:.0f} idle"),
            Piece(f"{found.pool_waiting:.0f} waiting", "yellow" if found.pool_waiting else ""),
        ],
    )
    yield "outbox", [Piece(f"{format_count(found.outbox_lag)} changes behind")]


def state_pieces(found: Signals) -> list[Piece]:
    """Return which dependencies answer, and which breakers are open."""
    states = [
        Piece(f"✔ {name}", "green") if is_up else Piece(f"✘ {name} does not answer", "red")
        for name, is_up in sorted(found.dependencies.items())
    ]
    states += [
        Piece(f"! breaker of {name} open", "red")
        for name, is_open in sorted(found.breakers.items())
        if is_open
    ]
    return states or [Piece("nothing that it tells of", "dim")]


def part_piece(part: SeenPart) -> Piece:
    """Return a part of the stack."""
    if part.problem is not None:
        return Piece(f"✘ {part.name} {'crashed' if part.status == 'crashed' else 'not ready'}", "red")
    return Piece(f"✔ {part.name}", "green") if part.is_ready else Piece(f"- {part.name}", "dim")


def evidence_pieces(found: SeenEvidence, *, now: datetime) -> list[Piece]:
    """Return the newest proof, with its age."""
    marks = {"pass": Piece("✔ pass", "green"), "fail": Piece("✘ fail", "red")}
    age = format_duration(max(0.0, (now - found.recorded_at).total_seconds()))
    return [
        marks.get(found.verdict, Piece(f"! {found.verdict}", "yellow")),
        Piece(found.kind, gap="  "),
        Piece(found.subject, gap=" "),
        Piece(f"{age} ago{', stale' if found.is_stale else ''}", "dim", gap="  "),
    ]


def alert_pieces(look: Look) -> Iterator[list[Piece]]:
    """Yield a line for each alert that fires."""
    if look.alerts is None:
        yield [Piece("nobody watches", "dim")]
        return
    if not look.firing:
        yield [Piece("✔ none fires", "green")]
    for alert in look.firing:
        yield _firing(alert)
    if look.pending:
        names = ", ".join(alert.name for alert in look.pending)
        yield sentence_pieces(f"○ pending: {names}", style="dim")


def _firing(alert: SeenAlert) -> list[Piece]:
    colour = "dim" if alert.is_muted else _COLOURS.get(alert.severity, "")
    muted = " (muted)" if alert.is_muted else ""
    name = Piece(f"● {alert.severity or 'firing'} {alert.name}{muted}", colour)
    first, *others = sentence_pieces(alert.summary, style="dim")
    return [name, Piece(first.words, "dim", gap="  "), *others]


def sentence_pieces(text: str, *, style: str) -> list[Piece]:
    """Return words that may stand on several lines."""
    return [Piece(word, style, gap=" ") for word in text.split()] or [Piece("")]


def error_piece(ratio: float | None) -> Piece:
    """Return a share of errors."""
    if ratio is None:
        return Piece("-", "dim")
    if ratio > BAD_ERROR_RATIO:
        return Piece(f"✘ {ratio:.1%}", "red")
    return Piece(f"{ratio:.2%}", "yellow") if ratio else Piece("0%", "dim")


def count_text(number: float) -> str:
    """Return a number of things."""
    return format_count(number) if number >= 100 else f"{number:.1f}"


def time_text(seconds: float | None) -> str:
    """Return a time, or a dash."""
    return "-" if seconds is None else format_duration(seconds)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
