"""How are many short loads sent one after the other: for the capacity, and for two services in turns."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opsctl.bench.load.book import LoadBook
    from opsctl.bench.load.interleaved import SendsLoad
    from opsctl.bench.load.model import LoadReport
    from opsctl.bench.load.ports import LoadJob
    from opsctl.cli.load_target import LoadTarget


def sender(*, simulated: tuple[str, ...] = ()) -> "SendsLoad":
    """Return what sends one short load with our engine; nobody hears of its seconds."""
    from opsctl.bench.load.engine import AsyncEngine
    from opsctl.bench.load.model import INTERRUPTED
    from opsctl.bench.load.run import Surroundings, run_load
    from opsctl.cli import wiring
    from opsctl.core.events import ignore

    engine, clock = AsyncEngine(), wiring.clock()
    around = Surroundings(simulated=simulated)

    def send(job: "LoadJob") -> "LoadReport":
        report = run_load(job, engine=engine, listener=ignore, clock=clock, surroundings=around)
        if report.aborted == INTERRUPTED:
            # Half a step says nothing, and whoever pressed Ctrl-C wants no next one.
            raise KeyboardInterrupt
        return report

    return send


def step_job(name: str, *, book: "LoadBook", folder: Path, target: "LoadTarget") -> "LoadJob":
    """Return the load as a job for its target."""
    import secrets

    from opsctl.bench.load.ports import LoadJob
    from opsctl.cli import wiring

    return LoadJob(
        name=Path(name).stem,
        book=book,
        address=target.address,
        headers=target.headers,
        folder=folder.resolve(),
        run_id=secrets.token_hex(6),
        began_at=f"{wiring.clock().now():%Y-%m-%dT%H:%M:%SZ}",
    )
