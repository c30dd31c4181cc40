"""How do the breakers look."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from opsctl.ui.console import hint
from opsctl.ui.table import show_table


class Breaker(Protocol):
    """A breaker or tier as it is shown."""

    @property
    def name(self) -> str: ...  # noqa: D102 - values
    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def state(self) -> str | None: ...  # noqa: D102
    @property
    def opened(self) -> int: ...  # noqa: D102
    @property
    def owner(self) -> str | None: ...  # noqa: D102
    @property
    def until(self) -> datetime | None: ...  # noqa: D102
    @property
    def reason(self) -> str | None: ...  # noqa: D102


def show_breakers(seen: Sequence[Breaker]) -> None:
    """Print a row for each breaker and tier."""
    titles = ("of", "kind", "state", "opened", "ordered by", "until", "reason")
    show_table(titles, [_cells(each) for each in seen])
    if all(each.state is None for each in seen):
        hint("the service does not answer: opsctl stack up, or opsctl serve")
    elif ordered := [each.name for each in seen if each.owner]:
        hint(f"what is ordered stays so until then; back: opsctl breakers release {ordered[0]}")
    elif any(each.state == "open" for each in seen):
        hint("what is open is tried again by itself; why it failed: opsctl status, opsctl stack logs service")


def _cells(each: Breaker) -> tuple[str, ...]:
    from rich.markup import escape

    return (
        each.name,
        each.kind,
        (each.state or "-").replace("_", " "),
        str(each.opened),
        escape(each.owner or "-"),
        f"{each.until:%H:%M:%S} UTC" if each.until else "-",
        escape(each.reason or "-"),
    )
