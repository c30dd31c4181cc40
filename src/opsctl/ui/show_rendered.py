"""How does a render look: which files changed, and how."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from opsctl.ui.console import hint, out, print_line
from opsctl.ui.show_files import show_files

_LEFT_OVER = "left over"
_DONE = {"missing": "wrote", "changed": "rewrote", _LEFT_OVER: "removed"}


class Changed(Protocol):
    """A file that differs."""

    @property
    def path(self) -> str: ...  # noqa: D102

    @property
    def state(self) -> str: ...  # noqa: D102

    @property
    def lines(self) -> tuple[str, ...]: ...  # noqa: D102


def show_rendered(
    changes: Sequence[Changed], *, files: int, folder: Path, is_written: bool, stubs: Sequence[str] = ()
) -> None:
    """Print each file that differs, a few lines of how, and what was done about it."""
    from rich.markup import escape

    from opsctl.ui.places import from_here

    if is_written:
        show_files([(_DONE[change.state], change.path) for change in changes], column=9)
    for change in changes if not is_written else ():
        print_line(f"{change.state:<9} {change.path}")
        for line in change.lines:
            colour = "green" if line.startswith("+") else "red" if line.startswith("-") else "dim"
            out().print(f"          [{colour}]{escape(line)}[/]", highlight=False, soft_wrap=True)
    for stub in stubs:
        print_line(f"stub      {stub}")
    place = from_here(str(folder))
    if not changes:
        print_line(f"✔ {files} files in {place} are as their books say")
    elif is_written:
        removed = sum(change.state == _LEFT_OVER for change in changes)
        told = f", {removed} of an earlier render removed" if removed else ""
        print_line(f"✔ {len(changes) - removed} of {files} files written to {place}{told}")
    else:
        print_line(f"{len(changes)} files in {place} are not as their books say")
        hint(
            "run `render` without `--check` or `--dry-run`, read the difference, and commit it with the book"
        )
    if stubs:
        hint("finish the stubs; `opsctl runbooks lint` says what is missing")
