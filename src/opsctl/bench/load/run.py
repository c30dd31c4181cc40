"""How does a load run go: warm up, send while somebody watches, look at the surroundings, report."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Protocol

from opsctl.bench.load.model import LoadReport, Recall
from opsctl.bench.load.ports import Engine, LoadJob
from opsctl.bench.load.sources import arrivals_of, source_of
from opsctl.bench.load.summarise import Run, gates_of, summarise
from opsctl.bench.load.validity import Circumstances
from opsctl.bench.load.warm_up import warm_up
from opsctl.bench.load.watch import Watch
from opsctl.core.clock import Clock
from opsctl.core.events import Listener, PhaseFinished
from opsctl.vectors.state import SideState


class Shadowing(Protocol):
    """Searches beside the load, while its block runs."""

    def recall(self) -> Recall | None:
        """Return what was found; after the block."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a run is made in.

    Args:
        states: reads the states of the vector collections behind the service.
        shadow: begins to shadow arrivals by exact searches; its block ends with the load.
        stopped: tells why somebody wants the run to end; empty while nobody does.
        simulated: what of the service is simulated.
        machine: the fingerprint of this machine.
        git_commit: of the project.
    """

    states: Callable[[], Sequence[SideState]] = tuple
    shadow: Callable[[LoadJob], AbstractContextManager[Shadowing | None]] = field(
        default=lambda _job: nullcontext(None)
    )
    stopped: Callable[[], str] = str
    simulated: tuple[str, ...] = ()
    machine: Mapping[str, str] = field(default_factory=dict)
    git_commit: str | None = None


def run_load(
    job: LoadJob,
    *,
    engine: Engine,
    listener: Listener,
    clock: Clock,
    surroundings: Surroundings | None = None,
) -> LoadReport:
    """Send a load and return what it found; an invalid run is told as one, in the report.

    Raises:
        UsageError: the log to replay or a schema is bad.
        OpsError: nothing could be sent at all.
    """
    around = surroundings or Surroundings()
    arrivals = arrivals_of(job, source_of(job))
    gates, aborts = gates_of(job)
    before = around.states()
    warmed = warm_up(job, engine=engine, listener=listener, clock=clock, stopped=around.stopped)
    watch = Watch(
        job.name, arrivals=arrivals, gates=gates, aborts=aborts, listener=listener, stopped=around.stopped
    )
    began = clock.monotonic()
    with around.shadow(job) as shadow:
        result = engine.run(job, watch=watch)
    listener(
        PhaseFinished(
            subject=job.name,
            phase="load",
            duration_seconds=clock.monotonic() - began,
            figures={"requests": result.total.sent},
        )
    )
    return summarise(
        Run(
            job=job,
            engine=engine.name,
            loop=result.loop or job.book.loop,
            result=result,
            arrivals=arrivals,
            timeline=watch.timeline,
            circumstances=Circumstances(warm_up=warmed, before=before, after=around.states()),
            recall=shadow.recall() if shadow else None,
            missed=watch.missed if result.aborted == watch.reason else (),
            simulated=around.simulated,
            machine=around.machine,
            git_commit=around.git_commit,
        )
    )
