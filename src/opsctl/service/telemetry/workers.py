"""What must be done so that metrics of several worker processes add up: a fresh folder, and dead workers' gauges gone.

`opsctl serve` calls `prepare_metrics_folder` before it starts any worker and before anything imports
prometheus-client, which looks at the environment once, when it is imported. Whoever learns that a worker ended
calls `forget_worker`; a worker that takes the place of one that died calls `forget_dead_workers` at its start.
Counters and histograms of dead workers stay: what they counted happened.
"""

import os
import re
import sys
from contextlib import suppress
from pathlib import Path

from opsctl.clients.files import file_error
from opsctl.clients.procfs import read_stat

ENVIRONMENT = "PROMETHEUS_MULTIPROC_DIR"
_LIVE_GAUGES = re.compile(r"gauge_live[a-z]+_(?P<pid>\d+)\.db")


def exemplars_name(pid: int | str) -> str:
    """Return the name of the file in which a worker keeps its exemplars; `*` gives the pattern of all."""
    return f"exemplars-{pid}.json"


def prepare_metrics_folder(folder: Path) -> None:
    """Make the folder of this run without the files of earlier ones, and name it in the environment.

    Raises:
        RuntimeError: prometheus-client is imported already and would count in this process only.
        NotReadyError: FIL003 when the folder cannot be written.
    """
    if "prometheus_client" in sys.modules and ENVIRONMENT not in os.environ:
        raise RuntimeError("prometheus_client was imported before the folder of its files was named")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in (*folder.glob("*.db"), *folder.glob(exemplars_name("*")), *folder.glob("exemplars-*.tmp")):
            old.unlink()
    except OSError as error:
        raise file_error(error, path=folder, doing="write") from error
    os.environ[ENVIRONMENT] = str(folder)


def forget_worker(pid: int, *, folder: Path) -> None:
    """Drop the gauges and exemplars of a worker that ended; twice is no error."""
    from prometheus_client.multiprocess import mark_process_dead

    # Two workers may notice the same death at once.
    with suppress(FileNotFoundError):
        (folder / exemplars_name(pid)).unlink(missing_ok=True)
        mark_process_dead(pid, path=str(folder))  # type: ignore[no-untyped-call]  # the library leaves it untyped


def forget_dead_workers(folder: Path) -> tuple[int, ...]:
    """Drop the gauges of all workers that do not run any more; return their process ids."""
    named = {int(found["pid"]) for file in folder.iterdir() if (found := _LIVE_GAUGES.fullmatch(file.name))}
    dead = tuple(sorted(pid for pid in named if not _is_running(pid)))
    for pid in dead:
        forget_worker(pid, folder=folder)
    return dead


def _is_running(pid: int) -> bool:
    stat = read_stat(pid)
    return stat is not None and stat.state not in {"Z", "X"}
