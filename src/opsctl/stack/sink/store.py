"""Where are messages kept: the newest in memory, all in a file that never grows without end."""

import json
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from opsctl.stack.sink.read import Told

_KEPT = 2000
_LARGEST_FILE_BYTES = 8 * 1024 * 1024


class Store:
    """Numbers messages, keeps the newest 2,000, and appends each to `received.jsonl` as one line of JSON."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "received.jsonl"
        self._kept: deque[Mapping[str, Any]] = deque(maxlen=_KEPT)
        self._lock = threading.Lock()
        self._last_id = 0

    def add(self, told: Told) -> None:
        """Keep a message; a full disk costs the file's line, not the answer."""
        with self._lock:
            self._last_id += 1
            line = json.dumps({"id": self._last_id, "at": time.time(), **asdict(told)}, ensure_ascii=False)
            # Halves of characters, which JSON may spell, have no UTF-8: kept, they would break every page after this.
            line = line.encode("utf-8", "replace").decode("utf-8")
            record = json.loads(line)
            self._kept.append(record)
            try:
                self._append(line + "\n")
            except OSError as error:
                record["not_written"] = str(error)

    def since(self, identifier: int) -> list[Mapping[str, Any]]:
        """Return the messages after one, the oldest first."""
        with self._lock:
            return [record for record in self._kept if record["id"] > identifier]

    def _append(self, line: str) -> None:
        if self._path.exists() and self._path.stat().st_size > _LARGEST_FILE_BYTES:
            self._path.replace(self._path.with_suffix(".old.jsonl"))
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line)
