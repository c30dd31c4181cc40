"""How does it look that the site was built: what its first line says, and where it lies."""

from opsctl.core.units import format_bytes
from opsctl.ui.console import hint, print_line, warn
from opsctl.ui.places import from_here
from opsctl.ui.site.built import Built


def show_site(built: Built) -> None:
    """Print the headline and the place; whether all is ready is the checklist's to decide."""
    print_line(built.headline)
    print_line(from_here(built.index))
    hint(
        f"{built.pages} pages, {format_bytes(built.size_bytes)}, of {built.records:,} records; "
        "`--open` shows them, and the folder can be copied anywhere"
    )
    if not built.is_ledger_whole:
        warn("the evidence ledger is broken: nothing counts as passed; run `opsctl evidence verify`")
