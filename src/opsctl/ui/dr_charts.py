"""What do the charts of a drill of a loss hold: load, latency and who answered, over its stages and the runbook's commands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from opsctl.core.units import format_duration
from opsctl.dr.drill.model import DrillRun, SecondSeen, Stage
from opsctl.dr.drill.timeline import command_spans, destroyed_after, stage_spans, whole_seconds
from opsctl.ui.chaos_charts import ordered_servers, server_ink
from opsctl.ui.chart import TALL, Chart, Column, Stroke
from opsctl.ui.scales import SIDE, Scale, clock_label, time_scale
from opsctl.ui.time_charts import MOST_COLUMNS, Band, Frame, Line, latency_chart, rate_chart, share_chart

STAGE_INKS: Mapping[Stage, str] = {
    Stage.DETECTED: "bad",
    Stage.DECLARED: "a",
    Stage.RESTORED: "b",
    Stage.SERVING: "c",
}
_WHOLE_SHARE = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One or several seconds of a drill, also those in which nobody asked."""

    second: float
    length_seconds: float
    good: int = 0
    bad: int = 0
    p99_seconds: float | None = None
    servers: Mapping[str, int] = field(default_factory=dict)

    @property
    def number(self) -> int:
        """Return how many asked."""
        return self.good + self.bad


def charts_of_run(run: DrillRun) -> tuple[Chart, ...]:
    """Return the charts of a drill on one axis of time; none where nothing was asked."""
    slots = slots_of(run)
    if not any(slot.number for slot in slots):
        return ()
    across = time_scale(whole_seconds(run))
    charts = (_load_chart(slots, across), _latency_chart(slots, across), _server_chart(slots, across))
    shades, marks, columns = _shades(run, across), _marks(run, across), _columns(slots, across)
    last = len(charts) - 1
    return tuple(
        replace(
            chart,
            strokes=(*shades, *chart.strokes, *marks),
            columns=columns,
            names_across=place == last,
        )
        for place, chart in enumerate(charts)
    )


def slots_of(run: DrillRun) -> tuple[Slot, ...]:
    """Return the whole drill in stretches of equal length, so many as a page has room for."""
    whole = whole_seconds(run)
    length = max(1, -(-int(whole) // MOST_COLUMNS))
    groups: dict[int, list[SecondSeen]] = {}
    for point in run.points:
        groups.setdefault(point.second // length, []).append(point)
    slots = tuple(
        _slot(groups.get(place, ()), second=place * length, length=length)
        for place in range(-(-int(whole) // length))
    )
    # The load ends somewhere in its last second, which drawn as a whole one looks as if readers had gone.
    is_broken_off = len(slots) > 1 and 0 < slots[-1].number < _WHOLE_SHARE * slots[-2].number
    return slots[:-1] if is_broken_off and not slots[-1].bad else slots


def servers_of(run: DrillRun) -> list[str]:
    """Return who answered, the nearest first, errors last."""
    return ordered_servers(slot.servers for slot in slots_of(run))


def _slot(points: Sequence[SecondSeen], *, second: int, length: int) -> Slot:
    servers: dict[str, int] = {}
    for point in points:
        stored = max(0, point.good - sum(point.tiers.values()))
        for name, number in {**point.tiers, "cache": stored, "error": point.bad}.items():
            servers[name] = servers.get(name, 0) + number
    return Slot(
        second=float(second),
        length_seconds=float(length),
        good=sum(point.good for point in points),
        bad=sum(point.bad for point in points),
        p99_seconds=max(
            (point.p99_seconds for point in points if point.p99_seconds is not None), default=None
        ),
        servers=servers,
    )


def _load_chart(slots: Sequence[Slot], across: Scale) -> Chart:
    return rate_chart(
        slots,
        across,
        whole=("sent", [slot.number / slot.length_seconds for slot in slots]),
        part=("good", [slot.good / slot.length_seconds for slot in slots]),
        description="Requests sent a second, and good answers a second",
    )


def _latency_chart(slots: Sequence[Slot], across: Scale) -> Chart:
    return latency_chart(
        slots,
        across,
        lines=(Line(name="p99", ink="a", values=[slot.p99_seconds for slot in slots]),),
        frame=Frame(
            title="Response time of good answers, p99 of a second",
            description="p99 of the response time of good answers, second by second, on a logarithmic scale",
            height=TALL - 80,
        ),
    )


def _server_chart(slots: Sequence[Slot], across: Scale) -> Chart:
    return share_chart(
        slots,
        across,
        bands=[
            Band(name=_name(server), ink=server_ink(server), shares=[_share(slot, server) for slot in slots])
            for server in ordered_servers(slot.servers for slot in slots)
        ],
        is_there=lambda slot: bool(slot.number),
        frame=Frame(
            title="Who answered",
            description="Share of the answers by who gave them, over time",
            height=TALL - 60,
        ),
    )


def _shades(run: DrillRun, across: Scale) -> list[Stroke]:
    """Return the stages, each as a shaded column."""
    return [
        Stroke(
            kind="shade",
            ink=STAGE_INKS[Stage(span.name)],
            path=f"M{across.place(span.begins):.1f},0 H{across.place(span.ends):.1f} V{SIDE:.0f}"
            f" H{across.place(span.begins):.1f} Z",
        )
        for span in stage_spans(run)
    ]


def _marks(run: DrillRun, across: Scale) -> list[Stroke]:
    """Return a line where it was destroyed, and a dashed one where each command began."""
    destroyed = destroyed_after(run)
    begun = " ".join(_upright(span.begins, across) for span in command_spans(run))
    return [
        *([Stroke(kind="mark", ink="f", path=begun, dash="3 4")] if begun else []),
        *([] if destroyed is None else [Stroke(kind="mark", ink="bad", path=_upright(destroyed, across))]),
    ]


def _upright(second: float, across: Scale) -> str:
    return f"M{across.place(second):.1f},0 V{SIDE:.0f}"


def _columns(slots: Sequence[Slot], across: Scale) -> tuple[Column, ...]:
    return tuple(
        Column(
            begins=across.place(slot.second), width=across.place(slot.length_seconds), text=_slot_text(slot)
        )
        for slot in slots
    )


def _slot_text(slot: Slot) -> str:
    servers = [f"{_name(server)} {_share(slot, server):.0%}" for server in ordered_servers([slot.servers])]
    lines = (
        f"{clock_label(slot.second)}: {slot.number:,} sent, {slot.good:,} good",
        "" if slot.p99_seconds is None else f"p99 {format_duration(slot.p99_seconds)}",
        ", ".join(servers),
    )
    return "\n".join(line for line in lines if line)


def _name(server: str) -> str:
    return server.replace("_", " ")


def _share(slot: Slot, server: str) -> float:
    total = sum(slot.servers.values())
    return slot.servers.get(server, 0) / total if total else 0.0
