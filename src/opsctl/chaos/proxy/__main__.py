"""The fault proxy as a process: `python -m opsctl.chaos.proxy --config FILE [--parent-pid PID[:START_TICKS]]`."""

import argparse
import asyncio
import resource
import signal
import sys
from contextlib import ExitStack
from pathlib import Path

from opsctl.chaos.proxy.parent import parse_parent, watch_parent
from opsctl.chaos.proxy.plan import ServerPlan, read_plan
from opsctl.chaos.proxy.server import Running, new_event_loop, serve


def main() -> None:
    """Forward until SIGTERM, SIGINT, or the end of the process that wanted it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--parent-pid", help="end with this process; PID or PID:START_TICKS")
    chosen = parser.parse_args()
    try:
        plan = read_plan(chosen.config.read_text(encoding="utf-8"))
        parent = parse_parent(chosen.parent_pid) if chosen.parent_pid else None
    except (OSError, ValueError, RecursionError) as error:
        parser.error(f"{error} (in or beside `{chosen.config}`)")
    _allow_many_connections()
    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(_run(plan, parent))
    except OSError as error:
        raise SystemExit(f"cannot listen: {error}") from error


async def _run(plan: ServerPlan, parent: tuple[int, int | None] | None) -> None:
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    with ExitStack() as closing:
        if parent is not None:
            pid, start_ticks = parent
            closing.callback(watch_parent(pid, start_ticks=start_ticks, on_end=over.set))
        await serve(plan, over=over, on_ready=_tell)


def _tell(running: Running) -> None:
    sys.stdout.write(running.as_json() + "\n")
    sys.stdout.flush()


def _allow_many_connections() -> None:
    """Take as many descriptors as we may: each connection needs two."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    main()
