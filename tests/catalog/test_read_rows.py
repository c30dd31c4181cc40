"""Three formats, one behaviour: the same rows, the same refusals before anything is imported."""

import json
from pathlib import Path
from typing import Any

import pytest

from opsctl.catalog.mapping import MappingBook
from opsctl.catalog.read_rows import open_rows
from opsctl.catalog.rows import BadRow, Row
from opsctl.core.errors import UsageError

ROWS = [{"key": "1", "name": "Löft", "stars": 3.5}, {"key": "2", "name": None, "stars": 4.0}]


def _mapping(**changes: Any) -> MappingBook:
    fields = {
        "title": "name",
        "region": {"constant": "AU"},
        "category": {"constant": "venue"},
        "quality": {"column": "stars"},
    }
    return MappingBook.model_validate({"source": "s", "id": "key", "fields": fields} | changes)


def _write(path: Path) -> Path:
    if path.suffix == ".csv":
        path.write_text("key,name,stars\n1,Löft,3.5\n2,,4.0\n", encoding="utf-8")
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    else:
        parquet = pytest.importorskip("pyarrow.parquet")
        parquet.write_table(pytest.importorskip("pyarrow").Table.from_pylist(ROWS), path)
    return path


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_the_same_table_is_read_from_each_format(tmp_path: Path, ending: str) -> None:
    """Names and values agree; CSV knows texts only, and an empty cell is empty either way."""
    reader = open_rows(_write(tmp_path / f"rows{ending}"), mapping=_mapping())

    rows = [row for row in reader.rows() if isinstance(row, Row)]

    assert reader.columns() == ("key", "name", "stars")
    assert [(row.cells["key"], row.cells["name"] or None, float(row.cells["stars"])) for row in rows] == [
        ("1", "Löft", 3.5),
        ("2", None, 4.0),
    ]
    assert list(reader.rows()) == rows, "a second reading gives the same"


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_a_missing_column_refuses_the_file_and_names_the_nearest(tmp_path: Path, ending: str) -> None:
    """All missing ones at once."""
    path = _write(tmp_path / f"rows{ending}")
    mapping = _mapping(id="keys", delimiter=",").model_copy()

    with pytest.raises(UsageError) as caught:
        open_rows(path, mapping=mapping)

    assert caught.value.code == "CAT001"
    assert [(finding.title, finding.fix) for finding in caught.value.findings] == [
        ("column `keys` is mapped, but the file does not have it", "did you mean `key`?")
    ]


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("rows.csv", b"", "CAT002"),
        ("rows.jsonl", b"\n\n", "CAT002"),
        ("rows.parquet", b"PAR1 but not really", "CAT003"),
        ("rows.xlsx", b"PK", "CAT005"),
    ],
)
def test_a_file_that_holds_no_table_is_refused(tmp_path: Path, name: str, data: bytes, code: str) -> None:
    """Nothing is imported from it."""
    path = tmp_path / name
    path.write_bytes(data)

    with pytest.raises(UsageError) as caught:
        open_rows(path, mapping=_mapping())

    assert caught.value.code == code


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """FIL004 with the path."""
    with pytest.raises(UsageError, match=r"nowhere\.csv") as caught:
        open_rows(tmp_path / "nowhere.csv", mapping=_mapping())

    assert caught.value.code == "FIL004"


def test_the_mapping_may_say_the_format(tmp_path: Path) -> None:
    """An ending that says nothing is no trouble then."""
    path = tmp_path / "export.dat"
    path.write_text("key,name,stars\n1,x,1\n")

    assert open_rows(path, mapping=_mapping(format="csv")).columns() == ("key", "name", "stars")


def test_bad_json_lines_are_told_by_line(tmp_path: Path) -> None:
    """Broken JSON, NaN, half characters, other things than objects, huge lines; the others are read."""
    path = tmp_path / "rows.jsonl"
    good = b'{"key": "1", "name": "x", "stars": 1}'
    huge = b'{"key": "' + b"x" * 3_000_000 + b'"}'
    lines = [good, b'{"key": ', b'{"stars": NaN}', b'{"name": "\\ud800"}', b"[1]", b"\xff", huge, good]
    path.write_bytes(b"\xef\xbb\xbf" + b"\n".join(lines) + b"\n")

    rows = list(open_rows(path, mapping=_mapping()).rows())

    assert [(row.line, isinstance(row, Row)) for row in rows] == [
        (1, True),
        *((line, False) for line in range(2, 8)),
        (8, True),
    ]
    reasons = [row.reason for row in rows if isinstance(row, BadRow)]
    assert all(reason.startswith("not JSON") for reason in (*reasons[:3], reasons[4]))
    assert reasons[3] == "it is not a JSON object"
    assert reasons[5] == "the line is longer than 1,048,576 bytes"
