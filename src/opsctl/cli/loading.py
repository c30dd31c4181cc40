"""How does `bench load` go: read the book, find the target, send, keep the run, record, show, write, conclude."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.cli.interruptible import interruptible
from opsctl.core.errors import OpsError
from opsctl.core.exit_codes import ExitCode

if TYPE_CHECKING:
    from opsctl.bench.load.book import LoadBook
    from opsctl.bench.load.comparison import LoadComparison
    from opsctl.bench.load.model import LoadReport
    from opsctl.bench.load.ports import Address, Engine, LoadJob
    from opsctl.bench.registry import StoredLoadRun
    from opsctl.cli.load_outputs import Outputs
    from opsctl.cli.load_request import LoadRequest
    from opsctl.cli.load_target import LoadTarget
    from opsctl.core.events import Event, Listener


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedLoad:
    """A load that was sent and kept."""

    run_id: str
    report: "LoadReport"
    baseline: "StoredLoadRun | None" = None
    comparison: "LoadComparison | None" = None
    fail_on_regression: bool = False
    fault: OpsError | None = None
    """Why it could not be kept or compared, such as a full disk; the report is whole all the same."""

    @property
    def code(self) -> ExitCode:
        """Return how the command ends."""
        from opsctl.bench.load.model import INTERRUPTED
        from opsctl.cli.bench_compare import code_with_baseline
        from opsctl.cli.bench_runs import exit_code

        if self.fault is not None:
            return self.fault.exit_code
        if self.report.aborted == INTERRUPTED:
            return ExitCode.INTERRUPTED
        own = exit_code(self.report.verdict)
        if self.comparison is None:
            return own
        return code_with_baseline(own, self.comparison, fail_on_regression=self.fail_on_regression)


def run(request: "LoadRequest", outputs: "Outputs") -> ExitCode:
    """Send a load, keep and show what came of it, and return the exit code."""
    from opsctl.cli.ending import ends_as_by_ctrl_c
    from opsctl.cli.load_outputs import show
    from opsctl.ui.show_error import show_error

    outputs.require_writable()
    with ends_as_by_ctrl_c():
        finished = send(request, ndjson=outputs.ndjson)
    show(finished, outputs)
    if finished.fault:
        show_error(finished.fault)
    return finished.code


def send(request: "LoadRequest", *, ndjson: bool = False) -> FinishedLoad:
    """Send a load and keep it: registry, evidence, comparison with its baseline."""
    from opsctl.bench.load.record import load_evidence
    from opsctl.cli import wiring
    from opsctl.cli.bench_compare import against_baseline, require_baseline
    from opsctl.cli.bench_runs import registry

    book, folder = book_of(request)
    against = request.against
    baseline = None if against.baseline is None else require_baseline(against.baseline)
    started_at = wiring.clock().now()
    report = _report(request, book, folder=folder, ndjson=ndjson)
    run_id, comparison, fault = "not-kept", None, None
    try:
        run_id = registry().add_load(report)
        wiring.record(load_evidence(report, run_id=run_id, started_at=started_at))
        if against.baseline is not None and not report.aborted:
            comparison = against_baseline(run_id, name=against.baseline, noise_floor=against.noise_floor)
    except OpsError as error:  # told behind the report: what took minutes to measure is shown first
        fault = error
    return FinishedLoad(
        run_id=run_id,
        report=report,
        baseline=baseline,
        comparison=comparison,
        fail_on_regression=against.fail_on_regression,
        fault=fault,
    )


def book_of(request: "LoadRequest") -> "tuple[LoadBook, Path]":
    """Return the book as the command line has it, and the folder that its files are relative to.

    Raises:
        UsageError: BEN045 there is no such load; CFG003 it is wrong; BEN030, BEN046 the command line is.
    """
    from opsctl.bench.load.adjust import adjusted
    from opsctl.bench.load.book import LoadBook
    from opsctl.cli.load_books import path_of
    from opsctl.config.load import load_book

    path = path_of(request.name)
    return adjusted(load_book(path, LoadBook), request.changes), path.parent


def show_plan(request: "LoadRequest", *, json: bool) -> None:
    """Show what would be sent."""
    from opsctl.bench.load.sources import arrivals_of, source_of
    from opsctl.cli.filling import tell
    from opsctl.cli.load_address import address_of
    from opsctl.evidence.model import digest_of
    from opsctl.ui.show_load_plan import LoadPlan, show_load_plan

    book, folder = book_of(request)
    url = "http://127.0.0.1" if book.target == "service" else book.target
    address = address_of(url, book=book, folder=folder, allowed=request.allowed)
    job = _job(request, book, address=address, folder=folder)
    source = source_of(job)
    arrivals = arrivals_of(job, source)
    plan = LoadPlan(
        load=job.name,
        title=book.title,
        target=book.target,
        engine="opsctl" if request.locust is None else "locust",
        loop=book.loop,
        seconds=arrivals.seconds,
        requests=sum(len(numbers) for numbers, _ in arrivals.share(0, of=1)),
        rates=_rates(arrivals.rate_at, seconds=arrivals.seconds),
        mix=_shares(book, replayed=request.replaying.log is not None),
        users=book.users.count,
        gates=tuple(book.gates),
        processes=book.processes,
        connections=book.limits.connections,
        warm_up=book.warm_up.every_user,
        plan_digest=arrivals.digest,
        book_digest=digest_of(book.model_dump(mode="json")),
    )
    tell("opsctl.bench.load.plan", data=plan, json=json, show=lambda: show_load_plan(plan))


def _report(request: "LoadRequest", book: "LoadBook", *, folder: Path, ndjson: bool) -> "LoadReport":
    from opsctl.bench.fingerprint import machine
    from opsctl.bench.load.run import Surroundings, run_load
    from opsctl.cli import wiring
    from opsctl.cli.load_target import load_target
    from opsctl.clients.git import read_commit
    from opsctl.ui.progress import progress

    with ExitStack() as exit_stack:
        listener = exit_stack.enter_context(progress())
        target = exit_stack.enter_context(
            load_target(book, folder=folder, allowed=request.allowed, listener=listener)
        )
        job = _job(request, book, address=target.address, folder=folder, target=target)
        stopped = exit_stack.enter_context(interruptible())
        return run_load(
            job,
            engine=_engine(request),
            listener=exit_stack.enter_context(_watching(listener, ndjson=ndjson)),
            clock=wiring.clock(),
            surroundings=Surroundings(
                states=target.states,
                shadow=target.shadow,
                stopped=stopped,
                simulated=target.simulated,
                machine=machine(engine=target.engine_version),
                git_commit=read_commit(wiring.settings().root),
            ),
        )


def _job(
    request: "LoadRequest",
    book: "LoadBook",
    *,
    address: "Address",
    folder: Path,
    target: "LoadTarget | None" = None,
) -> "LoadJob":
    import secrets

    from opsctl.bench.load.ports import LoadJob
    from opsctl.cli import wiring

    replaying = request.replaying
    return LoadJob(
        name=Path(request.name).stem,
        book=book,
        address=address,
        headers={} if target is None else target.headers,
        folder=folder.resolve(),
        replay=None if replaying.log is None else replaying.log.resolve(),
        replay_speed=replaying.factor,
        run_id=secrets.token_hex(6),
        began_at=f"{wiring.clock().now():%Y-%m-%dT%H:%M:%SZ}",
    )


def _engine(request: "LoadRequest") -> "Engine":
    from opsctl.bench.load.engine import AsyncEngine
    from opsctl.bench.locust.engine import LocustEngine
    from opsctl.ui.console import note

    if request.locust is not None:
        return LocustEngine(settings=request.locust, on_note=note)
    return AsyncEngine()


@contextmanager
def _watching(listener: "Listener", *, ndjson: bool) -> "Iterator[Listener]":
    """Give a listener that shows a running load, and passes on what is not about it."""
    from opsctl.ui.load_live import live_load, write_ndjson

    if ndjson:

        def both(event: "Event") -> None:
            write_ndjson(event)
            listener(event)

        yield both
        return
    with live_load() as live:
        yield live


def _rates(rate_at: Callable[[float], float], *, seconds: float) -> tuple[float, ...]:
    """Return the planned rate at the middle of each second; of at most 600 parts of a longer plan."""
    parts = max(1, min(600, round(seconds)))
    return tuple(rate_at((part + 0.5) * seconds / parts) for part in range(parts))


def _shares(book: "LoadBook", *, replayed: bool) -> dict[str, float]:
    total = sum(endpoint.share for endpoint in book.mix.values())
    return {} if replayed else {name: endpoint.share / total for name, endpoint in book.mix.items()}
