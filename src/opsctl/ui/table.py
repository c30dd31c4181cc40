"""How does a table look: no rules, a bold header, and what is too wide for a terminal a paragraph a row."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from opsctl.ui.console import out
from opsctl.ui.hanging import UNLIMITED, hanging, has_width

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text


def plain_table(*titles: str, wrapping: str | None = None) -> "Table":
    """Return an empty table in the common style; only the column `wrapping` may break its lines."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in titles:
        table.add_column(title, no_wrap=title != wrapping, overflow="fold")
    return table


def show_table(
    titles: Sequence[str], rows: Sequence[Sequence[str]], *, to_the_right: Collection[str] = ()
) -> None:
    """Print rows of markup whole, as a table where it fits, else as a paragraph a row; nothing for no rows.

    A name or an address is never cut, because people copy it into the next command.
    """
    from rich.measure import Measurement
    from rich.text import Text

    if not rows:
        return
    console = out()
    table = plain_table(*titles)
    for column in table.columns:
        column.justify = "right" if column.header in to_the_right else "left"
    for row in rows:
        table.add_row(*row)
    unlimited = console.options.update(width=UNLIMITED)
    needed = Measurement.get(console, unlimited, table).maximum
    if needed <= console.width or not has_width(console):
        # The table's own width: what `print` is given is cut to the console's, which a pipe does not have.
        table.width = needed
        console.print(table, crop=False, soft_wrap=True)
        return
    for row in rows:
        name = Text.from_markup(row[0], style="bold")
        paragraph = _paragraph(titles[1:], row[1:], width=console.width)
        for line in (*hanging(name, width=console.width), *paragraph):
            console.print(line, highlight=False, soft_wrap=True)


def _paragraph(titles: Sequence[str], cells: Sequence[str], *, width: int) -> "list[Text]":
    from rich.text import Text

    lines: list[Text] = []
    for title, cell in zip(titles, cells, strict=True):
        shown = Text.from_markup(cell)
        if not shown.plain.strip():
            continue
        item = Text.assemble((title, "dim"), " " if title else "", shown)
        if lines and lines[-1].cell_len + item.cell_len + 3 <= width:
            lines[-1].append("   ").append_text(item)
            continue
        lines += hanging(item, width=width, first=2, indent=4)
    return lines
