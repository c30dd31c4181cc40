"""What the stack reads back of its state file: what was written, or an error that names the file."""

from pathlib import Path

import pytest

from opsctl.core.errors import UsageError
from opsctl.stack.model import PartName, Place
from opsctl.stack.record import StackRecord, read_stack_record, record_path, write_stack_record


def test_a_record_is_read_back_as_written(tmp_path: Path):
    """Places and the mark of a borrowed stack survive."""
    place = Place(port=6333, data_dir=tmp_path / "data")
    record = StackRecord(places={PartName.VECTORS: place}, borrowed=True)
    write_stack_record(tmp_path, record)

    assert read_stack_record(tmp_path) == record


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe\x00binary",
        b'{"home": 5, "parts": {}, "borrowed": false}',
        b'{"home": "/nowhere", "parts": [], "borrowed": false}',
        b'{"home": "/nowhere", "parts": {"nope": {}}, "borrowed": false}',
        b'{"home": "/nowhere", "parts": {"vectors": {"port": "abc", "data_dir": "/x"}}, "borrowed": false}',
    ],
)
def test_a_damaged_record_is_named(tmp_path: Path, content: bytes):
    """Never a traceback, and never a stack that only looks stopped."""
    record_path(tmp_path).parent.mkdir(parents=True)
    record_path(tmp_path).write_bytes(content)

    with pytest.raises(UsageError, match="is damaged") as caught:
        read_stack_record(tmp_path)
    assert caught.value.code == "STK003"
