"""CSV as it really comes: every bad record is told by its line, and the good ones around it survive."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsctl.catalog.read_csv import LONGEST_LINE_BYTES, CsvReader
from opsctl.catalog.rows import BadRow, Row
from opsctl.core.errors import UsageError


def _reader(path: Path, data: bytes, *, encoding: str = "utf-8", delimiter: str = ",") -> CsvReader:
    path.write_bytes(data)
    return CsvReader(path, encoding=encoding, delimiter=delimiter)


def _told(reader: CsvReader) -> list[tuple[int, str]]:
    """Return line and either the second cell or the reason."""
    return [
        (row.line, row.cells["b"] if isinstance(row, Row) else f"BAD {row.reason}") for row in reader.rows()
    ]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give the place of the file under test."""
    return tmp_path / "rows.csv"


@pytest.mark.parametrize(
    "data",
    [
        b"a,b\n1,x\n2,y\n",
        b"\xef\xbb\xbfa,b\n1,x\n2,y\n",
        b"a,b\r\n1,x\r\n2,y\r\n",
        b"a,b\n1,x\n2,y",
        b'"a","b"\n"1","x"\n2,"y"\n',
        b"a , b\n1,x\n2,y\n\x1a",
    ],
    ids=["plain", "byte-order-mark", "crlf", "no-last-line-end", "quoted", "blanks-and-dos-end"],
)
def test_the_same_table_in_many_habits_reads_the_same(path: Path, data: bytes) -> None:
    """Byte order mark, line ends, quotes and blanks in the header change nothing."""
    assert _told(_reader(path, data)) == [(2, "x"), (3, "y")]


def test_quoted_cells_may_hold_delimiters_quotes_and_line_ends(path: Path) -> None:
    """The line told is the one on which the record begins."""
    reader = _reader(path, b'a,b\n1,"x, ""y""\nz"\n2,q\n')

    assert _told(reader) == [(2, 'x, "y"\nz'), (4, "q")]


def test_a_quote_inside_an_unquoted_cell_is_just_a_quote(path: Path) -> None:
    """Five-inch screens exist."""
    assert _told(_reader(path, b'a,b\n1,5" screen\n2,6" screen\n')) == [(2, '5" screen'), (3, '6" screen')]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            b'a,b\n1,"never closed\n2,y\n3,z\n',
            [(2, "BAD broken quoting: a quote is opened and not closed"), (3, "y"), (4, "z")],
        ),
        (
            b'a,b\n1,"swallows\n2,"y"\n3,z\n',
            [(2, "BAD broken quoting: ',' expected after '\"'"), (3, "y"), (4, "z")],
        ),
        (
            b'a,b\n1,"x" y\n2,y\n',
            [(2, "BAD broken quoting: ',' expected after '\"'"), (3, "y")],
        ),
        (
            b'a,b\n1,"opens\n2,y\n3",z,q\n4,q\n',
            [
                (2, "BAD broken quoting: a quote is opened and not closed"),
                (3, "y"),
                (4, "BAD 3 cells where the header has 2"),
                (5, "q"),
            ],
        ),
        (b"a,b\n1\n2,y\n", [(2, "BAD 1 cells where the header has 2"), (3, "y")]),
        (b"a,b\n1,x,extra\n2,y\n", [(2, "BAD 3 cells where the header has 2"), (3, "y")]),
        (b"a,b\n1,\xff\n2,y\n", [(2, "BAD it is not utf-8: byte 0xff at position 3"), (3, "y")]),
        (b"a,b\n1,x\0\n2,y\n", [(2, "BAD it holds a NUL byte"), (3, "y")]),
        (b"a,b\n1,x\ry\n2,y\n", [(2, "BAD a line break stands outside quotes"), (3, "y")]),
        (b"a,b\n\n1,x\n\n\n2,y\n", [(3, "x"), (6, "y")]),
    ],
    ids=[
        "open-quote",
        "quote-swallows-line",
        "text-after-quote",
        "quote-closes-too-late",
        "too-few",
        "too-many",
        "wrong-encoding",
        "nul",
        "carriage-return",
        "blank-lines",
    ],
)
def test_a_bad_record_is_told_and_the_next_lines_are_read(
    path: Path, data: bytes, expected: list[tuple[int, str]]
) -> None:
    """One broken line costs one row, not the rest of the file."""
    assert _told(_reader(path, data)) == expected


def test_a_huge_line_is_told_without_being_held(path: Path) -> None:
    """A line of five megabytes is one reject with a short excerpt."""
    reader = _reader(path, b"a,b\n1," + b"x" * (5 * LONGEST_LINE_BYTES) + b"\n2,y\n")

    bad, good = reader.rows()

    assert isinstance(bad, BadRow)
    assert (bad.line, bad.reason) == (2, "the line is longer than 1,048,576 bytes")
    assert len(bad.seen) < 200
    assert (good.line, isinstance(good, Row)) == (3, True)


def test_another_encoding_and_delimiter_are_read_where_the_mapping_says_so(path: Path) -> None:
    """Windows-1252 with semicolons is what many spreadsheets write."""
    reader = _reader(path, "a;b\n1;Köln €\n".encode("cp1252"), encoding="cp1252", delimiter=";")

    assert _told(reader) == [(2, "Köln €")]


@pytest.mark.parametrize(
    ("data", "code", "why"),
    [
        (b"", "CAT002", "the file is empty"),
        (b"a,a\n1,2\n", "CAT003", "column `a` stands twice"),
        ("a,b\n1,x\n".encode("utf-16"), "CAT003", "the file is UTF-16"),
        (b'a,"b\n1,x\n', "CAT003", "a quote is not closed"),
        (b"a,\xff\n", "CAT003", "it is not utf-8: byte 0xff at position 3"),
    ],
    ids=["empty", "twice", "utf-16", "open-quote", "wrong-encoding"],
)
def test_a_header_that_cannot_be_read_refuses_the_file(path: Path, data: bytes, code: str, why: str) -> None:
    """Without a header no cell has a name."""
    with pytest.raises(UsageError) as caught:
        _reader(path, data).columns()

    assert caught.value.code == code
    assert caught.value.why is not None
    assert caught.value.why.startswith(why)


_CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\x1a"), max_size=20)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 9).map(str), _CELLS), max_size=15))
def test_whatever_the_csv_module_writes_is_read_back(tmp_path_factory, rows: list[tuple[str, str]]) -> None:
    """Round trip through Python's own writer, any text in the cells."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows([("a", "b"), *rows])
    path = tmp_path_factory.mktemp("csv") / "rows.csv"

    read = list(_reader(path, buffer.getvalue().encode()).rows())

    assert [tuple(row.cells.values()) for row in read if isinstance(row, Row)] == rows
    assert len(read) == len(rows)


@pytest.mark.slow
@settings(max_examples=150)
@given(st.lists(st.sampled_from([b"1,x", b'"', b",", b"\n", b"\xff", b"\0", b'2,"y"', b"\r\n"]), max_size=40))
def test_no_line_that_holds_something_is_lost_in_silence(tmp_path_factory, parts: list[bytes]) -> None:
    """Every line with content belongs to exactly one record, good or bad, whatever rubbish the file holds."""
    data = b"".join(parts)
    path = tmp_path_factory.mktemp("csv") / "rows.csv"

    read = list(_reader(path, b"a,b\n" + data + b"\n").rows())

    starts = [row.line for row in read]
    lines = {number for number, line in enumerate(data.split(b"\n"), 2) if line.strip(b"\r\n\x1a ")}
    spans = {
        row.line + offset
        for row in read
        for offset in range(
            1 + (sum(cell.count("\n") for cell in row.cells.values()) if isinstance(row, Row) else 0)
        )
    }
    assert starts == sorted(set(starts))
    assert lines <= spans
