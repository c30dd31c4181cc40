"""How is a text of somebody else's printed: whatever a terminal would obey in it is written out instead."""

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from opsctl.config.printable import visible


class EscapingConsole(Console):
    """A console whose own control codes work, and nobody else's."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Return a plain text as Rich's, so that tables measure what will be seen."""
        return super().render_str(visible(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments of anything; texts of books, arguments and file names stand in them as they came."""
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(visible(segment.text), segment.style)
