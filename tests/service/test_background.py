"""What a worker does beside answering."""

import subprocess
import sys

_ORPHAN = """
import asyncio, os, signal
from opsctl.service import background
os.environ[background.MAIN_PROCESS_VARIABLE] = "1"  # not this process's parent
told = []
async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.append, 1)
    work = asyncio.create_task(background._keep_running("parent", background.end_with_parent, stop))
    await asyncio.sleep(0.5)  # a loop that never yields would hang here
    stop.set()
    await work
    print(len(told), flush=True)
    os._exit(0)
asyncio.run(main())
"""


def test_a_worker_whose_main_process_is_gone_asks_itself_to_end_once() -> None:
    """It goes on hearing signals and answering until it ends; once it began to signal itself for ever."""
    ended = subprocess.run(
        [sys.executable, "-c", _ORPHAN], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.stdout.strip(), ended.returncode) == ("1", 0), ended.stderr
