"""How does long work look while it runs: bars on a terminal, lines for each phase elsewhere."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from opsctl.core.events import Event, Listener, Noted, PhaseAdvanced, PhaseFinished, PhaseStarted, ignore
from opsctl.core.units import format_duration
from opsctl.ui.console import err, mode, note
from opsctl.ui.hanging import packed
from opsctl.ui.pulse import Pulse, kept_up

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


@contextmanager
def progress() -> Iterator[Listener]:
    """Give a listener that shows events on stderr; nothing at all with `--quiet`."""
    if mode.verbosity < 0:
        yield ignore
    elif err().is_terminal and "CI" not in os.environ:
        with _bars() as bars:
            yield _BarListener(bars)
    else:
        pulse = Pulse()

        def listener(event: Event) -> None:
            pulse.hear(event)
            _tell_line(event)

        with kept_up(pulse, lambda line: note(_escaped(line))):
            yield listener


def _tell_line(event: Event) -> None:
    match event:
        case PhaseFinished():
            figures = "".join(f", {_label(name)} {_text(value)}" for name, value in event.figures.items())
            took = format_duration(event.duration_seconds)
            note(_escaped(f"{event.subject}: {event.phase} done in {took}{figures}"))
        case Noted():
            note(_escaped(f"{event.subject}: {event.message}"))
        case _:
            pass


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)


class _BarListener:
    """Turns events into Rich bars, one a phase."""

    def __init__(self, bars: "Progress") -> None:
        self._bars = bars
        self._tasks: dict[tuple[str, str], TaskID] = {}

    def __call__(self, event: Event) -> None:
        match event:
            case PhaseStarted():
                label = f"{event.subject}: {event.phase}"
                self._tasks[event.subject, event.phase] = self._bars.add_task(label, total=event.total)
            case PhaseAdvanced():
                task = self._tasks.get((event.subject, event.phase))
                if task is not None:
                    self._bars.advance(task, event.advance)
            case PhaseFinished():
                self._finish(event)
            case Noted():
                self._bars.console.print(f"{event.subject}: {event.message}", markup=False, highlight=False)
            case _:
                pass

    def _finish(self, event: PhaseFinished) -> None:
        task = self._tasks.pop((event.subject, event.phase), None)
        if task is not None:
            self._bars.remove_task(task)
        figures = (f"{_label(name)} {_text(value)}" for name, value in event.figures.items())
        head = f"✔ {event.subject}: {event.phase}  {format_duration(event.duration_seconds)}"
        for line in packed([head, *figures], width=self._bars.console.width):
            self._bars.console.print(line, markup=False, highlight=False, soft_wrap=True)


def _bars() -> "Progress":
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Counted(MofNCompleteColumn):
        """How much of a known total is done; nothing where the total is not known."""

        def render(self, task: Task) -> Text:
            known = task.total is not None
            return Text(f"{int(task.completed):,}/{int(task.total or 0):,}" if known else "")

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        Counted(),
        TimeRemainingColumn(compact=True),
    )
    return Progress(*columns, console=err(), transient=True)


def _label(name: str) -> str:
    return name.replace("_", " ")


def _text(value: str | int | float) -> str:  # noqa: PYI041 - counts and measures look different
    return f"{value:,.3g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else value
