"""What is a chart, ready to be written as SVG: paths on a square, and labels as text of the page around it."""

from collections.abc import Sequence
from dataclasses import dataclass

from opsctl.ui.scales import SIDE, Scale, Tick, spread

TALL, MIDDLE, LOW = 280, 110, 64
"""Heights in pixels, wherever the page is seen."""

_LABEL_PIXELS = 17


@dataclass(frozen=True, slots=True, kw_only=True)
class Stroke:
    """One path: `kind` is how it is drawn (line, area, band, bars or limit), `ink` its colour."""

    kind: str
    ink: str
    path: str
    dash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndLabel:
    """A name at the right edge, where its line ends."""

    tick: Tick
    ink: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A stretch of the horizontal axis that says its figures when it is pointed at."""

    begins: float
    width: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One chart, ready to be written as SVG with its labels as text of the page around it."""

    title: str
    description: str
    height: int
    across: Scale
    upward: Scale
    strokes: tuple[Stroke, ...]
    labels: tuple[EndLabel, ...] = ()
    columns: tuple[Column, ...] = ()
    names_across: bool = True


def limit_stroke(limit: tuple[str, float] | None, upward: Scale) -> tuple[list[Stroke], list[EndLabel]]:
    """Return the line of a latency that a gate allows, with its label; nothing without one."""
    if limit is None:
        return [], []
    place = upward.place(limit[1])
    stroke = Stroke(kind="limit", ink="bad", path=f"M0,{place:.1f} H{SIDE:.0f}", dash="4 4")
    return [stroke], [EndLabel(tick=Tick(percent=place / 10, label="limit"), ink="bad")]


def spread_labels(labels: Sequence[EndLabel], *, height: int) -> tuple[EndLabel, ...]:
    """Move labels apart, so that none covers another in a chart of this height."""
    ticks = spread([label.tick for label in labels], distance=100 * _LABEL_PIXELS / height)
    return tuple(EndLabel(tick=tick, ink=label.ink) for tick, label in zip(ticks, labels, strict=True))
