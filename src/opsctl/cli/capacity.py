"""How does `bench capacity` go: for each number of workers search, then conclude, record and show."""

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.bench.capacity.model import CapacityReport, Target, WorkersResult
from opsctl.cli.capacity_service import MOST_WORKERS, Served, served
from opsctl.core.errors import UsageError
from opsctl.core.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsctl.bench.capacity.search import SearchPlan
    from opsctl.bench.load.book import LoadBook
    from opsctl.cli.load_target import LoadTarget
    from opsctl.core.events import Listener


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityRequest:
    """What the user asked of `bench capacity`."""

    name: str
    workers: str | None
    budget: str
    step: str
    start: float
    highest: float
    precision: float
    gates: tuple[str, ...]
    processes: int | None
    url: str | None
    allowed: tuple[str, ...]
    target: Target

    @property
    def step_seconds(self) -> float:
        """Return the length of a step."""
        return _seconds(self.step, least=1.0, option="--step")

    def worker_counts(self) -> tuple[int, ...]:
        """Return the numbers of workers to search with; empty for the service as it is.

        Raises:
            UsageError: BEN073 when they are no numbers, or not of this project's service.
        """
        if self.workers is None:
            return ()
        try:
            counts = tuple(dict.fromkeys(int(part) for part in self.workers.split(",")))
        except ValueError:
            counts = ()
        if not counts or any(not 1 <= count <= MOST_WORKERS for count in counts):
            raise UsageError(
                f"`{self.workers}` are no numbers of workers",
                code="BEN073",
                why=f"each is a whole number from 1 to {MOST_WORKERS}",
                fix="write them as --workers 1,2,4",
            )
        return counts

    def plan(self) -> "SearchPlan":
        """Return where each search begins and when it ends; all of them share the budget."""
        from opsctl.bench.capacity.search import SearchPlan

        budget = _seconds(self.budget, least=10.0, option="--budget")
        return SearchPlan(
            start=min(self.start, self.highest),
            highest=self.highest,
            precision=self.precision,
            most_seconds=budget / max(1, len(self.worker_counts())),
        )


def run(request: CapacityRequest, *, html: Path | None, json: bool) -> ExitCode:
    """Search, record, show, and return the exit code."""
    from opsctl.bench.capacity.evidence import capacity_evidence
    from opsctl.cli import wiring
    from opsctl.cli.bench_runs import exit_code
    from opsctl.cli.ending import ends_as_by_ctrl_c
    from opsctl.clients.files import require_writable
    from opsctl.ui.progress import progress
    from opsctl.ui.show_capacity import telling_steps

    if html is not None:
        require_writable(html)
    started_at = wiring.clock().now()
    with ends_as_by_ctrl_c(), progress() as listener:
        report = _search(request, listener=telling_steps(listener))
    wiring.record(capacity_evidence(report, started_at=started_at))
    _show(report, html=html, json=json)
    return exit_code(report.verdict)


def show_plan(request: CapacityRequest, *, json: bool) -> None:
    """Show what would be searched, without asking anybody."""
    from opsctl.cli.filling import tell
    from opsctl.ui.show_capacity import show_capacity_plan

    book, _folder = _book(request)
    plan, counts = request.plan(), request.worker_counts()
    data = {"load": request.name, "gates": book.gates, "workers": counts, "plan": plan}
    tell(
        "opsctl.bench.capacity.plan",
        data=data,
        json=json,
        show=lambda: show_capacity_plan(request.name, gates=book.gates, workers=counts, plan=plan),
    )


def _search(request: CapacityRequest, *, listener: "Listener") -> CapacityReport:
    from opsctl.bench.capacity.conclude import conclude
    from opsctl.bench.fingerprint import machine
    from opsctl.cli import wiring
    from opsctl.clients.git import read_commit
    from opsctl.evidence.model import digest_of

    began = wiring.clock().monotonic()
    request.plan()  # refused before anything is started
    counts, step_seconds = request.worker_counts(), request.step_seconds
    book, folder = _book(request)
    with _target(request, book, folder=folder, listener=listener) as target:
        results = [
            _search_one(request, book, folder=folder, served=served, listener=listener)
            for served in served(target, counts=counts, listener=listener)
        ]
    conclusion = conclude(results, target=request.target)
    return CapacityReport(
        load=Path(request.name).stem,
        target_url=target.address.url,
        gates=tuple(book.gates),
        results=tuple(results),
        law=conclusion.law,
        efficiency=conclusion.efficiency,
        need=conclusion.need,
        plan_digest=digest_of({"book": book.model_dump(mode="json"), "step": step_seconds}),
        fingerprint=machine(engine=target.engine_version),
        git_commit=read_commit(wiring.settings().root),
        duration_seconds=wiring.clock().monotonic() - began,
        simulated=target.simulated,
        verdict=conclusion.verdict,
    )


def _search_one(
    request: CapacityRequest, book: "LoadBook", *, folder: Path, served: Served, listener: "Listener"
) -> WorkersResult:
    from opsctl.bench.capacity.run import Steps, search_capacity
    from opsctl.cli import wiring
    from opsctl.cli.stepping import sender, step_job

    job = step_job(request.name, book=book, folder=folder, target=served.target)
    steps = Steps(
        send=sender(simulated=served.target.simulated),
        read=served.read,
        clock=wiring.clock(),
        listener=listener,
        seconds=request.step_seconds,
    )
    return search_capacity(job, workers=served.workers, plan=request.plan(), steps=steps)


@contextmanager
def _target(
    request: CapacityRequest, book: "LoadBook", *, folder: Path, listener: "Listener"
) -> "Iterator[LoadTarget]":
    from opsctl.cli import wiring
    from opsctl.cli.load_target import load_target

    is_elsewhere = book.target != "service" or wiring.settings().project.service.url is not None
    if request.workers is not None and is_elsewhere:
        raise UsageError(
            "the workers of a service that somebody else started cannot be changed",
            code="BEN073",
            why=f"the target is `{book.target if book.target != 'service' else 'service.url'}`",
            fix="leave out --workers, or let the stack run the service",
        )
    with load_target(book, folder=folder, allowed=request.allowed, listener=listener) as target:
        yield target


def _show(report: CapacityReport, *, html: Path | None, json: bool) -> None:
    from opsctl.cli.document import document
    from opsctl.clients.files import write_atomically
    from opsctl.evidence.model import Verdict
    from opsctl.ui.console import hint, note, print_document
    from opsctl.ui.load_page import render_load_page
    from opsctl.ui.show_capacity import plain_capacity, show_capacity

    if json:
        is_good = report.verdict is Verdict.PASS
        print_document(document("opsctl.bench.capacity", data=plain_capacity(report), ok=is_good))
    else:
        show_capacity(report)
    pages = {f"{each.workers} workers": each.last for each in report.results if each.last is not None}
    if html is not None and pages:
        write_atomically(html, render_load_page(pages))
        note(f"wrote {html}")
    elif html is not None:
        hint("no rate held, so there is no page to write")


def _book(request: CapacityRequest) -> "tuple[LoadBook, Path]":
    from opsctl.bench.capacity.run import with_step_gates
    from opsctl.bench.load.adjust import Adjustments
    from opsctl.cli.load_request import LoadRequest
    from opsctl.cli.loading import book_of

    changes = Adjustments(gates=request.gates, processes=request.processes, target=request.url)
    book, folder = book_of(LoadRequest(name=request.name, changes=changes, allowed=request.allowed))
    return with_step_gates(book, name=request.name), folder


def _seconds(text: str, *, least: float, option: str) -> float:
    from opsctl.core.units import parse_duration

    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise UsageError(str(error), code="BEN014", fix="write it as `30s` or `2m`") from error
    if seconds < least:
        raise UsageError(
            f"`{option} {text}` is too short", code="BEN072", fix=f"at least {least:g}s, such as {option} 1m"
        )
    return seconds
