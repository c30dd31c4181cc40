"""Which Parquet files are there, are they whole and what we think they are, and what times are in each: footers alone."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from opsctl.core.errors import NotReadyError, OpsError, UsageError


class Shape(StrEnum):
    """What a column may be."""

    TEXT = "text"
    WHOLE = "whole number"
    NUMBER = "number"
    TIME = "timestamp with a zone"
    UTC_TIME = "timestamp without one"
    """Taken as UTC."""
    MAP = "map"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A column: what it may be, and whether a file may do without."""

    shapes: tuple[Shape, ...]
    is_needed: bool = True


_NANOSECONDS = {"milliseconds": 1_000_000, "microseconds": 1000, "nanoseconds": 1}
_UNIT = Expected(shapes=(Shape.TEXT, Shape.WHOLE))
_TEXT = Expected(shapes=(Shape.TEXT,))
_TIME = Expected(shapes=(Shape.TIME, Shape.UTC_TIME))
EXPOSURES = {
    "experiment": _TEXT,
    "unit_id": _UNIT,
    "variant": _TEXT,
    "exposed_at": _TIME,
    "attributes": Expected(shapes=(Shape.TEXT, Shape.MAP), is_needed=False),
}
EVENTS = {
    "event": _TEXT,
    "unit_id": _UNIT,
    "value": Expected(shapes=(Shape.NUMBER, Shape.WHOLE)),
    "observed_at": _TIME,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """A file that can be read.

    Args:
        shapes: of the columns that are known.
        first: the earliest time in it, in microseconds since 1970; None where the file does not tell.
        last: the latest one.
        is_dated: whether every row has a time for sure.
    """

    path: Path
    shapes: dict[str, Shape]
    first: int | None
    last: int | None
    is_dated: bool

    def may_hold(self, *, since: int, until: int) -> bool:
        """Tell whether any of its times may lie there."""
        is_too_early = self.last is not None and self.last < since
        return not (is_too_early or (self.first is not None and self.first >= until))

    def lies_within(self, *, since: int, until: int) -> bool:
        """Tell whether all of its times lie there for sure."""
        if not self.is_dated or self.first is None or self.last is None:
            return False
        return since <= self.first and self.last < until


def data_files(
    folder: Path, columns: dict[str, Expected], *, time: str, may_be_none: bool = False
) -> tuple[DataFile, ...]:
    """Return the Parquet files below a folder that have rows, by name; hidden ones are somebody's unfinished work.

    Args:
        folder: searched through.
        columns: that they have.
        time: which of them is the time.
        may_be_none: whether it is known that there may be no file.

    Raises:
        UsageError: EXP052 there is no such folder or no file in it, EXP053 a file is broken, EXP054 a file lacks a column,
            or has it as something else than the others.
        NotReadyError: EXP051 pyarrow is not installed.
    """
    paths = list(_paths(folder))
    if not paths and not may_be_none:
        raise UsageError(
            f"there are no Parquet files in `{folder}`",
            code="EXP052",
            why=None if folder.is_dir() else "there is no such folder",
            fix="name the folder that holds `exposures/` and `events/`, or fill it: opsctl experiments export",
        )
    files = [each for each in (_read(path, columns, time=time) for path in paths) if each is not None]
    for each in files[1:]:
        _require_alike(files[0], each)
    return tuple(files)


def broken(path: Path | str, why: str) -> OpsError:
    """Return what it means that a file cannot be read to its end."""
    return UsageError(
        f"`{path}` is no whole Parquet file",
        code="EXP053",
        why=why,
        fix="remove it, or bring it again from where it came",
    )


def not_installed(error: ImportError) -> NotReadyError:
    """Return what it means that a library is missing."""
    return NotReadyError(
        "reading Parquet files is not installed",
        code="EXP051",
        why=str(error),
        fix="pip install 'opsctl[experiments]', or analyse in the database",
    )


def _paths(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*.parquet")):
        names = path.relative_to(folder).parts
        if not any(name.startswith((".", "_")) for name in names) and path.is_file():
            yield path


def _read(path: Path, columns: dict[str, Expected], *, time: str) -> DataFile | None:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise not_installed(error) from error
    try:
        with parquet.ParquetFile(path) as file:
            metadata, schema = file.metadata, file.schema_arrow
    except (pa.ArrowException, OSError) as error:
        raise broken(path, str(error).splitlines()[0]) from error
    shapes = {name: _shape(path, schema, name, each) for name, each in columns.items()}
    if not metadata.num_rows:
        return None
    first, last, is_dated = _times(metadata, time)
    return DataFile(
        path=path,
        shapes={name: shape for name, shape in shapes.items() if shape is not None},
        first=first,
        last=last,
        is_dated=is_dated,
    )


def _shape(path: Path, schema: Any, name: str, expected: Expected) -> Shape | None:
    places = schema.get_all_field_indices(name)
    if not places and not expected.is_needed:
        return None
    shape = _shape_of(schema.field(places[0]).type) if len(places) == 1 else None
    if shape in expected.shapes:
        return shape
    has = (
        f"it is {schema.field(places[0]).type}"
        if places
        else f"its columns are: {', '.join(schema.names[:20])}"
    )
    raise UsageError(
        f"`{path}` has no column `{name}` that is a {' or a '.join(expected.shapes)}",
        code="EXP054",
        why=has,
        fix="name the folder of our own files, or rename and cast the columns",
    )


def _shape_of(kind: Any) -> Shape | None:
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_timestamp(kind):
        return Shape.UTC_TIME if kind.tz is None else Shape.TIME
    tests = (
        (Shape.TEXT, (types.is_string, types.is_large_string, types.is_string_view)),
        (Shape.WHOLE, (types.is_integer,)),
        (Shape.NUMBER, (types.is_floating, types.is_decimal)),
        (Shape.MAP, (types.is_map,)),
    )
    return next((shape for shape, each in tests if any(test(kind) for test in each)), None)


def _times(metadata: Any, time: str) -> tuple[int | None, int | None, bool]:
    """Return the earliest and the latest time by the statistics of all row groups, and whether every row has one."""
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    columns = range(metadata.num_columns)
    place = next(each for each in columns if groups[0].column(each).path_in_schema == time)
    found = [group.column(place).statistics for group in groups if group.num_rows]
    if not all(each is not None and each.has_min_max for each in found):
        return None, None, False
    unit = json.loads(found[0].logical_type.to_json()).get("timeUnit")
    if unit not in _NANOSECONDS or not isinstance(found[0].min_raw, int):
        return None, None, False
    return (
        _in_microseconds(min(each.min_raw for each in found), unit),
        _in_microseconds(max(each.max_raw for each in found), unit),
        all(each.has_null_count and not each.null_count for each in found),
    )


def _in_microseconds(raw: int, unit: str) -> int:
    return raw * _NANOSECONDS[unit] // 1000


def _require_alike(one: DataFile, other: DataFile) -> None:
    for name in one.shapes.keys() | other.shapes.keys():
        first, second = one.shapes.get(name), other.shapes.get(name)
        if first is not second:
            raise UsageError(
                f"`{other.path}` has `{name}` as a {second or 'column that is missing'}",
                code="EXP054",
                why=f"`{one.path}` has it as a {first or 'column that is missing'}",
                fix="write all files alike",
            )


def shapes_of(files: Sequence[DataFile]) -> dict[str, Shape]:
    """Return what the columns are, the same in all files."""
    return files[0].shapes if files else {}
