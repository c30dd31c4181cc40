"""How do simulated readers look: what they would do, and what was added."""

from opsctl.catalog.store_readers import ReadersPreview
from opsctl.core.units import format_count
from opsctl.store.simulated import SimulatedCounts
from opsctl.ui.console import print_line


def show_preview(preview: ReadersPreview, *, seed: int) -> None:
    """Print what a seed would give."""
    total = sum(preview.kinds.values())
    print_line(
        f"would make {format_count(preview.readers)} simulated readers of seed {seed}, "
        f"{format_count(preview.cold)} of them cold, with {format_count(total)} interactions"
    )
    print_line("  " + ", ".join(f"{kind} {format_count(count)}" for kind, count in preview.kinds.items()))


def show_readers(counts: SimulatedCounts, *, users: int, seed: int) -> None:
    """Print what was new."""
    print_line(
        f"simulated readers of seed {seed}: {format_count(counts.readers)} of {format_count(users)} new, "
        f"{format_count(counts.interactions)} simulated interactions added"
    )
