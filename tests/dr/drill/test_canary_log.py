"""What was acknowledged is on the disk before anything is claimed, and a log that ends in the middle still says the rest."""

import os
from pathlib import Path

import pytest

from opsctl.dr.drill.canary_log import CanaryLog, Said, read_canary_log
from opsctl.dr.drill.losses import Acknowledged


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give the file of a log, in a folder that is not there yet."""
    return tmp_path / "outside" / "canary.jsonl"


def written(path: Path, *, rows: int = 3) -> None:
    """Write a log in which the last row was sent, and not acknowledged."""
    with CanaryLog(path) as log:
        for number in range(1, rows + 1):
            log.say(Said.SENT, stream="content", number=number, at=number - 0.5)
            if number < rows:
                log.say(Said.ACKNOWLEDGED, stream="content", number=number, at=float(number))
        log.say(Said.SENT, stream="interactions", number=1, at=0.5)


def test_what_was_said_is_read_back_by_stream(path: Path):
    """Sent and acknowledged apart."""
    written(path)

    story = read_canary_log(path)

    assert dict(story.sent) == {"content": {1, 2, 3}, "interactions": {1}}
    assert dict(story.acknowledged) == {
        "content": [Acknowledged(number=1, at=1.0), Acknowledged(number=2, at=2.0)]
    }
    assert (story.sent["other"], story.acknowledged["other"]) == (set(), [])


def test_a_torn_last_line_says_nothing_and_the_others_all(path: Path):
    """Wherever the canary was killed."""
    written(path)
    whole = path.read_bytes()
    last = whole.rindex(b"\n", 0, -1) + 1

    for end in range(last, len(whole) - 1):
        path.write_bytes(whole[:end])
        story = read_canary_log(path)
        assert story.sent["content"] == {1, 2, 3}
        assert story.sent["interactions"] == set()
    path.write_bytes(whole[:-1])  # nothing but the line's end is missing
    assert read_canary_log(path).sent["interactions"] == {1}


def test_a_log_that_was_never_begun_says_that_nothing_was_sent(path: Path):
    """The canary had no time to."""
    story = read_canary_log(path)

    assert (story.sent, story.acknowledged) == ({}, {})


def test_each_line_is_synced_before_the_call_returns(path: Path, monkeypatch: pytest.MonkeyPatch):
    """A machine that is gone has told what it promised."""
    order: list[str] = []
    real_write, real_sync = os.write, os.fdatasync

    def write(descriptor: int, data: bytes) -> int:
        order.append("write")
        return real_write(descriptor, data)

    def sync(descriptor: int) -> None:
        order.append("sync")
        real_sync(descriptor)

    monkeypatch.setattr(os, "write", write)
    monkeypatch.setattr(os, "fdatasync", sync)

    written(path, rows=1)

    assert order == ["write", "sync"] * 2


def test_a_log_that_is_opened_again_goes_on(path: Path):
    """It is never written over, and nobody else reads it."""
    written(path)
    written(path)

    assert len(path.read_text().splitlines()) == 12
    assert path.stat().st_mode & 0o077 == 0


def test_the_rate_is_that_of_the_time_before_a_moment(path: Path):
    """Not of the beginning, and not of what came afterwards."""
    with CanaryLog(path) as log:
        for number in range(1, 101):
            log.say(Said.ACKNOWLEDGED, stream="content", number=number, at=number / 10)

    story = read_canary_log(path)

    assert story.rate("content", until=8.0, seconds=4.0) == 10.0
    assert story.rate("content", until=12.0, seconds=4.0) == 5.0
    assert story.rate("other", until=8.0, seconds=4.0) == 0.0
