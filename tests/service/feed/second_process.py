"""A second process of the same machine: `python -m tests.service.feed.second_process FOLDER TAG`.

It holds an entry under a tag and says `held`; after each line that it reads it says whether it still holds it.
"""

import sys
import time
from pathlib import Path

from opsctl.service.cache.invalidated import InvalidatedMemory
from opsctl.service.cache.journal import InvalidationJournal
from opsctl.service.cache.memory import MemoryTier
from opsctl.service.telemetry.meters import Meters


def main(folder: Path, tag: str) -> None:
    """Hold, and answer."""
    tier = MemoryTier(bytes_limit=2**20, now=time.monotonic, evicted=lambda _: None)
    memory = InvalidatedMemory(tier, InvalidationJournal(folder / "invalidations"), meters=Meters())
    memory.put(
        "feed:1:v1:20::",
        b"a feed",
        size_bytes=6,
        fresh_seconds=60,
        kept_seconds=60,
        tags=[tag],
        since=memory.sequence,
    )
    print("held", flush=True)  # noqa: T201 - the test waits for it
    for _ in sys.stdin:
        print("held" if memory.get("feed:1:v1:20::") else "gone", flush=True)  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
