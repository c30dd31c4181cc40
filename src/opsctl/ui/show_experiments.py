"""How do experiments look: what was started, how each stands, and which arm a unit gets."""

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import TYPE_CHECKING, Any

from opsctl.core.units import format_duration
from opsctl.experiments.assignment import Placement
from opsctl.experiments.points import SPAN
from opsctl.experiments.registry import Started
from opsctl.experiments.standing import Standing, State
from opsctl.experiments.warehouse.export import Exported
from opsctl.ui.console import hint, print_line, warn
from opsctl.ui.table import show_table

if TYPE_CHECKING:
    from opsctl.core.findings import Finding

_STATES = {
    State.RUNNING: "[green]running[/]",
    State.DUE: "[yellow]due[/]",
    State.NOT_STARTED: "not started",
    State.ENDED: "[dim]ended[/]",
}


def started_data(started: Started) -> dict[str, Any]:
    """Return a start for a document."""
    experiment = started.experiment
    return {
        "name": started.name,
        "digest": started.digest,
        "started_at": started.started_at,
        "ended_at": started.ended_at,
        "horizon_at": started.horizon_at,
        "ramp": experiment.ramp,
        "weights": {name: arm.weight for name, arm in experiment.arms.items()},
    }


def show_start(started: Started, *, dry_run: bool) -> None:
    """Print what was started, or would be."""
    verb = "would start" if dry_run else "runs"
    print_line(f"{started.name} {verb}: {started.experiment.title}")
    _show_book(started)
    if dry_run:
        hint(f"`opsctl experiments start {started.name} --confirm {started.name}`")
    else:
        hint("`opsctl experiments status` shows who is exposed")


def warn_unwritten(events: Mapping[str, Sequence[str]]) -> None:
    """Warn of metrics that count what nobody writes."""
    for metric, names in events.items():
        told = ", ".join(f"`{name}`" for name in names)
        warn(f"`{metric}` counts {told}, which nobody has ever written: `opsctl explain EXP038`")


def show_ramp(started: Started, *, share: float, dry_run: bool) -> None:
    """Print how far an experiment is ramped up, or would be."""
    if dry_run:
        print_line(f"{started.name} would go from {_percent(started.experiment.ramp)} to {_percent(share)}")
    else:
        print_line(f"{started.name} is at {_percent(started.experiment.ramp)} of the eligible units")


def show_stop(started: Started, *, dry_run: bool) -> None:
    """Print what has ended, or would."""
    if started.ended_at is None or dry_run:
        print_line(f"{started.name} would end; it runs since {_moment(started.started_at)}")
    else:
        ran = format_duration((started.ended_at - started.started_at).total_seconds())
        print_line(f"{started.name} has ended after {ran}")


def exported_data(exported: Exported, *, folder: str) -> dict[str, Any]:
    """Return what was exported for a document."""
    return {
        "folder": folder,
        "rows": exported.rows,
        "files": exported.files,
        "complete_until": exported.complete_until,
    }


def show_export(exported: Exported, *, folder: str) -> None:
    """Print what was exported, and until when nothing is missing."""
    rows = ", ".join(f"{count:,} new rows of {name}" for name, count in exported.rows.items())
    print_line(f"{rows}; {exported.files:,} new files in `{folder}`")
    until = exported.complete_until.astimezone(UTC)
    print_line(f"complete until {until:%Y-%m-%d %H:%M:%S} UTC")
    hint(f"`opsctl experiments analyze NAME --from {folder} --at {until:%Y-%m-%dT%H:%M:%SZ}`")


def show_standings(standings: Sequence[Standing], *, findings: "Sequence[Finding]") -> None:
    """Print how every experiment stands, and what does not fit."""
    from opsctl.ui.show_error import show_findings

    show_findings(findings)
    if not standings:
        print_line("no experiments")
        hint("`opsctl init` writes a book to begin with")
        return
    titles = ("experiment", "state", "started", "ran", "ramp", "units by arm", "looks", "digest")
    show_table(titles, [_row(each) for each in standings])


def show_placements(placements: Sequence[tuple[str, Placement]], *, with_points: bool) -> None:
    """Print which arm units get, and why they get none; with their points where they were asked for by hand."""
    from rich.markup import escape

    rows = [
        (escape(placement.unit), escape(name), *_placed(placement), *_points(placement, shown=with_points))
        for name, placement in placements
    ]
    titles = ("unit", "experiment", "arm", "why not", *(("points",) if with_points else ()))
    show_table(titles, rows)


def placement_data(name: str, placement: Placement) -> dict[str, Any]:
    """Return a placement for a document; points are texts, because JSON numbers keep only 53 bits."""
    return {
        "unit": placement.unit,
        "experiment": name,
        "arm": placement.arm,
        "reason": placement.reason,
        "layer": placement.layer,
        "points": {salt: str(point) for salt, point in placement.points.items()},
    }


def _placed(placement: Placement) -> tuple[str, str]:
    if placement.reason is None:
        return f"[green]{placement.arm}[/]", ""
    why = placement.reason.value.replace("_", " ")
    return "-", f"{why} {placement.layer}" if placement.layer else why


def _points(placement: Placement, *, shown: bool) -> tuple[str, ...]:
    if not shown:
        return ()
    return (", ".join(f"{salt} {point / SPAN:.6f}" for salt, point in placement.points.items()),)


def _show_book(started: Started) -> None:
    experiment = started.experiment
    for name, arm in experiment.arms.items():
        settings = ", ".join(f"{key} = {value}" for key, value in arm.settings.items()) or "as it is"
        mark = " (control)" if name == experiment.control else ""
        print_line(f"  {_percent(arm.weight)} {name}{mark}: {settings}")
    layers = ", ".join(f"{name} {part.start:g} to {part.end:g}" for name, part in experiment.layers.items())
    print_line(
        f"  ramp {_percent(experiment.ramp)}, holdout {_percent(experiment.holdout)}, layers: {layers or 'none'}"
    )
    print_line(f"  until {_moment(started.horizon_at)} ({experiment.horizon}); digest {started.digest[:12]}")


def _row(standing: Standing) -> tuple[str, ...]:
    from rich.markup import escape

    units = ", ".join(f"{arm} {number:,}" for arm, number in standing.units.items())
    return (
        escape(standing.name),
        _STATES[standing.state],
        _moment(standing.started_at) if standing.started_at else "",
        _ran(standing),
        _percent(standing.ramp),
        escape(units),
        str(standing.peeks) if standing.started_at else "",
        standing.digest[:12],
    )


def _ran(standing: Standing) -> str:
    horizon = _days(standing.horizon_seconds)
    if standing.started_at is None:
        return f"of {horizon}"
    return f"{_days(standing.seconds)} of {horizon}" if standing.seconds is not None else f"? of {horizon}"


def _days(seconds: float) -> str:
    return f"{seconds / 86_400:.3g} d" if seconds >= 86_400 else format_duration(seconds)


def _percent(share: float) -> str:
    return f"{share * 100:.4g} %"


def _moment(moment: Any) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
