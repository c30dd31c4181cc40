"""What does a page of the site consist of: tiles, notices, charts and tables, ready for the one template of all chapters."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import zip_longest

from opsctl.ui.chart import Chart
from opsctl.ui.site.standing import Standing


class Kind(StrEnum):
    """How a column is set."""

    TEXT = "text"
    WORD = "word"
    NUMBER = "number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell: a standing or a text, what stands below it in small, where it leads, and labels such as `simulated`."""

    text: str = ""
    below: tuple[str, ...] = ()
    href: str = ""
    standing: Standing | None = None
    labels: tuple[str, ...] = ()
    ink: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column's name, how it is set, and its width in percent where tables below each other are to have the same."""

    name: str
    kind: Kind = Kind.TEXT
    width: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Cells of one row, and what is to be said below them over the whole width."""

    cells: tuple[Cell, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table whose rows become cards in a narrow window."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One figure in large, with what it means below; `ink` is empty, good, bad or doubt."""

    name: str
    value: str
    below: str = ""
    ink: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that must not be overlooked."""

    text: str
    points: tuple[str, ...] = ()
    ink: str = "doubt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One part of a page; without any evidence it says so, and the command that makes some."""

    title: str
    note: str = ""
    standing: Standing | None = None
    labels: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()
    tiles: tuple[Tile, ...] = ()
    charts: tuple[Chart, ...] = ()
    tables: tuple[Table, ...] = ()
    command: str = ""
    anchor: str = ""
    record: tuple[str, str] | None = None
    """The record that it rests on: where it stands, and how it is called."""

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to be seen."""
        return not (self.notices or self.tiles or self.charts or self.tables)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One page, by the name of its file without the ending."""

    name: str
    title: str
    lede: str = ""
    sections: tuple[Section, ...] = field(default_factory=tuple)


def table_of(caption: str, titles: tuple[Column, ...], rows: Iterable[Row]) -> tuple[Table, ...]:
    """Return the one table of a section; none where there is no row for it."""
    held = tuple(rows)
    return (Table(caption=caption, columns=titles, rows=held),) if held else ()


def columns(
    *names: str,
    numbers: tuple[str, ...] = (),
    words: tuple[str, ...] = (),
    widths: tuple[int, ...] = (),
) -> tuple[Column, ...]:
    """Return columns by their names; those of numbers stand to the right, words are never broken."""
    kinds = dict.fromkeys(numbers, Kind.NUMBER) | dict.fromkeys(words, Kind.WORD)
    return tuple(
        Column(name=name, kind=kinds.get(name, Kind.TEXT), width=width)
        for name, width in zip_longest(names, widths)
    )
