"""A process that uses an LMDB store: `python -m tests.service.cache.using_lmdb FOLDER open|read|write|hold`."""

import asyncio
import sys
import time
from pathlib import Path

import lmdb

from opsctl.service.cache.stores.lmdb import LmdbStore

BYTES = 8 * 2**20


async def _use(folder: Path, what: str) -> None:
    store = LmdbStore(folder, bytes_limit=BYTES)
    print("open", flush=True)  # noqa: T201 - the test waits for it
    if what == "read":
        for line in sys.stdin:
            found = await store.get_many([line.strip()])
            print(found[0], flush=True)  # noqa: T201
    number = 0
    while what == "write":
        await store.set_many({f"a:{number % 500}": bytes(500)}, keep_seconds=60)
        number += 1
    if what == "open":
        await store.get_many(["a:1"])
        sys.stdin.read()
    await store.close()


def _hold(folder: Path) -> None:
    """Hold a read transaction, as a worker does that is killed in the middle of a lookup."""
    environment = lmdb.open(str(folder / "l2.lmdb"), subdir=False, map_size=BYTES, max_dbs=4, max_readers=512)
    with environment.begin():
        print("open", flush=True)  # noqa: T201
        time.sleep(600)


if __name__ == "__main__":
    if sys.argv[2] == "hold":
        _hold(Path(sys.argv[1]))
    else:
        asyncio.run(_use(Path(sys.argv[1]), sys.argv[2]))
