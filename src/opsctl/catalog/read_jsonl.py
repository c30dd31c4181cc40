"""Which rows does a JSON Lines file hold: one object a line."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from opsctl.catalog.rows import BadRow, Row, empty_file, excerpt

LONGEST_LINE_BYTES = 1024 * 1024
_OBJECTS_LOOKED_AT = 100
_UTF8_BOM = b"\xef\xbb\xbf"


class JsonlReader:
    """Streams the objects of one JSON Lines file; memory does not grow with the file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def columns(self) -> tuple[str, ...]:
        """Return the keys of the first hundred objects.

        Raises:
            UsageError: CAT002 when there is no line at all.
        """
        looked_at = list(islice(self.rows(), _OBJECTS_LOOKED_AT))
        if not looked_at:
            raise empty_file(self._path, why="the file is empty")
        return tuple(dict.fromkeys(key for row in looked_at if isinstance(row, Row) for key in row.cells))

    def rows(self) -> Iterator[Row | BadRow]:
        """Yield every line that is not blank, in order."""
        with self._path.open("rb") as stream:
            number = 0
            while data := stream.readline(LONGEST_LINE_BYTES):
                number += 1
                rest = data
                while not rest.endswith(b"\n") and len(rest) == LONGEST_LINE_BYTES:
                    rest = stream.readline(LONGEST_LINE_BYTES)
                if rest is not data:
                    reason = f"the line is longer than {LONGEST_LINE_BYTES:,} bytes"
                    yield BadRow(line=number, reason=reason, seen=excerpt(data[:200]))
                elif data.strip():
                    yield _parse(number, data.removeprefix(_UTF8_BOM) if number == 1 else data)


def _parse(number: int, data: bytes) -> Row | BadRow:
    import orjson

    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        return BadRow(line=number, reason=f"not JSON: {error}", seen=excerpt(data))
    if not isinstance(value, dict):
        return BadRow(line=number, reason="it is not a JSON object", seen=excerpt(data))
    return Row(line=number, cells=value)
