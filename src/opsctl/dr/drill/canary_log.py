"""What did the canary send, and what was acknowledged: a log of lines that are on the disk before anything is claimed."""

import json
import os
from collections import defaultdict
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Self

from opsctl.clients.files import read_text
from opsctl.dr.drill.losses import Acknowledged


class Said(StrEnum):
    """What a line says of a row."""

    SENT = "sent"
    """It is about to be sent."""
    ACKNOWLEDGED = "acknowledged"
    """A store has promised to keep it."""


class CanaryLog:
    """Lines of JSON, each synced; the file stands outside of everything that the drill destroys."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def say(self, what: Said, *, stream: str, number: int, at: float) -> None:
        """Write one line, and return when it is on the disk."""
        line = json.dumps({"said": what, "stream": stream, "number": number, "at": at}) + "\n"
        os.write(self._descriptor, line.encode())
        os.fdatasync(self._descriptor)


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryStory:
    """What the log says of each stream; a torn last line, of a canary that was killed, says nothing."""

    sent: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    acknowledged: dict[str, list[Acknowledged]] = field(default_factory=lambda: defaultdict(list))

    def rate(self, stream: str, *, until: float, seconds: float) -> float:
        """Return how many rows a second were acknowledged in the time before a moment."""
        rows = [row for row in self.acknowledged[stream] if until - seconds < row.at <= until]
        return len(rows) / seconds


def read_canary_log(path: Path) -> CanaryStory:
    """Return what a log says."""
    story = CanaryStory()
    for line in read_text(path).splitlines() if path.is_file() else ():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if row["said"] == Said.SENT:
            story.sent[row["stream"]].add(row["number"])
        else:
            story.acknowledged[row["stream"]].append(Acknowledged(number=row["number"], at=row["at"]))
    return story
