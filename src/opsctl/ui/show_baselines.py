"""How do baselines look: names, and the run that each stands for."""

from collections.abc import Sequence

from opsctl.bench.baselines import Baseline
from opsctl.bench.registry import StoredRun
from opsctl.ui.console import hint, print_line
from opsctl.ui.table import show_table


def show_baselines(baselines: Sequence[Baseline]) -> None:
    """Print a table of baselines."""
    from rich.markup import escape

    if not baselines:
        print_line("no baselines yet")
        hint("name a run so: `opsctl bench baseline set main latest`")
        return
    rows = [(escape(each.name), escape(each.run), f"{each.set_at:%Y-%m-%d %H:%M} UTC") for each in baselines]
    show_table(("baseline", "run", "set"), rows)


def show_baseline_set(name: str, *, run: StoredRun, before: str | None, dry_run: bool) -> None:
    """Print what a name stands for now, and what it stood for."""
    would = "would stand" if dry_run else "stands"
    instead = f" instead of {before}" if before not in (None, run.id) else ""
    print_line(f"{name} {would} for the {run.kind} run {run.id}{instead}")


def show_baseline_removed(name: str, *, dry_run: bool) -> None:
    """Print that a name is forgotten."""
    print_line(f"{name} {'would be' if dry_run else 'is'} forgotten; its run stays")
