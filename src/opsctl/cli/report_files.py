"""Which files does a command write beside its result: places looked at before the work, reports put there after it."""

from collections.abc import Callable
from pathlib import Path


def require_places(*paths: Path | None) -> None:
    """Refuse files that cannot be written, before the work whose result is meant for them.

    Raises:
        NotReadyError: FIL003.
    """
    from opsctl.clients.files import require_writable

    for path in paths:
        if path is not None:
            require_writable(path)


def write_reports(*wanted: tuple[Path | None, Callable[[], str]]) -> None:
    """Write those reports that a place was given for, and say so.

    Raises:
        NotReadyError: FIL001, FIL003.
    """
    from opsctl.clients.files import write_atomically
    from opsctl.ui.console import note

    for path, text in wanted:
        if path is not None:
            write_atomically(path, text())
            note(f"wrote {path}")
