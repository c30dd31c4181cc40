"""How do artefacts look: what was kept or written, and the list of all."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from opsctl.clients.artefacts import Artefact
from opsctl.core.units import format_bytes, format_duration
from opsctl.ui.console import hint, print_line
from opsctl.ui.table import show_table

_DIGITS_SHOWN = 12


def show_plan(name: str, size_bytes: int, place: str) -> None:
    """Print what would be kept."""
    print_line(f"would keep {name}, {format_bytes(size_bytes)}, in {place}")


def show_put(artefact: Artefact, place: str) -> None:
    """Print what was kept and where."""
    print_line(f"kept {artefact.name}, {format_bytes(artefact.size_bytes)}, in {place}")
    print_line(f"  sha256 {artefact.sha256}")


def show_got(artefact: Artefact, target: Path) -> None:
    """Print what was written."""
    print_line(f"{target}: {format_bytes(artefact.size_bytes)}, its digest is that of what was put")
    print_line(f"  sha256 {artefact.sha256}")


def show_list(artefacts: Sequence[Artefact], place: str, *, now: datetime) -> None:
    """Print a table of what is kept."""
    from rich.markup import escape

    if not artefacts:
        print_line(f"nothing is kept in {place}")
        hint("keep a file: `opsctl artefacts put FILE`")
        return
    rows = []
    for each in artefacts:
        age = format_duration(max(0.0, (now - each.stored_at).total_seconds()))
        rows.append((escape(each.name), format_bytes(each.size_bytes), age, each.sha256[:_DIGITS_SHOWN]))
    show_table(("name", "size", "age", "sha256"), rows)
