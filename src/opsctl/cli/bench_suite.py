"""How does `opsctl bench` alone go: latency of every derived collection and a load, one verdict, one table, pages."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.core.exit_codes import ExitCode

if TYPE_CHECKING:
    from opsctl.bench.model import LatencyRun
    from opsctl.cli.loading import FinishedLoad
    from opsctl.core.events import Listener

# All of it ends within three minutes on a stack that is down and caches that are cold.
_LATENCY_SECONDS = 60.0
_LOAD_SECONDS = "15s"
_LOAD_USERS = 1_000
_LOAD = "standard"


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteResult:
    """What the standard suite found."""

    runs: "dict[str, LatencyRun]"
    load: "FinishedLoad | None"
    pages: tuple[Path, ...]


def run_suite(*, json: bool) -> ExitCode:
    """Measure latencies, send a shortened standard load, show both, and return the exit code of the worst verdict."""
    from opsctl.bench.verdict import worst
    from opsctl.cli import wiring
    from opsctl.cli.bench_runs import exit_code
    from opsctl.ui.progress import progress
    from opsctl.ui.show_error import show_error

    with progress() as listener, wiring.backends(listener) as servers:
        servers.vectors_place()  # one stack for both parts, where it has to be started
        servers.database().close()
        runs = _latencies(listener)
        load = _load(listener)
    result = SuiteResult(runs=runs, load=load, pages=_write_pages(runs, load))
    verdict = worst(
        [*(run.report.verdict for run in runs.values()), *([load.report.verdict] if load else [])]
    )
    _show(result, json=json)
    if load is not None and load.fault is not None:
        show_error(load.fault)
        return load.fault.exit_code
    if load is not None and load.code is ExitCode.INTERRUPTED:
        return ExitCode.INTERRUPTED
    return exit_code(verdict)


def _latencies(listener: "Listener") -> "dict[str, LatencyRun]":
    from opsctl.cli.bench_runs import LatencyRequest, measure_all
    from opsctl.cli.measuring import measuring

    with measuring(listener) as bed:
        names = bed.names(None)
        request = LatencyRequest(
            names=list(names),
            queries=2000,
            duration=f"{_LATENCY_SECONDS / max(1, len(names)):.1f}s",
            limit=10,
            naive=False,
            query_log=None,
            seed=0,
            noise_floor=0.05,
            allow_noise=False,
        )
        return dict(measure_all(request, bed))


def _load(listener: "Listener") -> "FinishedLoad | None":
    """Send the standard load, shortened; nothing where this machine cannot run the service."""
    from opsctl.bench.load.adjust import Adjustments
    from opsctl.cli import wiring
    from opsctl.cli.load_request import LoadRequest
    from opsctl.cli.loading import send
    from opsctl.core.events import Noted
    from opsctl.stack.model import PartName
    from opsctl.stack.spec import PARTS

    missing = PARTS[PartName.SERVICE].missing_because()
    if missing is not None and wiring.settings().project.service.url is None:
        listener(Noted(subject="bench", message=f"no load is sent: {missing}"))
        return None
    changes = Adjustments(users=_LOAD_USERS, duration=_LOAD_SECONDS, target="service")
    return send(LoadRequest(name=_LOAD, changes=changes))


def _write_pages(runs: "dict[str, LatencyRun]", load: "FinishedLoad | None") -> tuple[Path, ...]:
    from opsctl.cli import wiring
    from opsctl.clients.files import write_atomically
    from opsctl.ui.latency_page import render_latency_page
    from opsctl.ui.load_page import render_load_page

    folder = wiring.settings().home / "reports"
    folder.mkdir(parents=True, exist_ok=True)
    stamp = f"{wiring.clock().now():%Y%m%dT%H%M%S}"
    pages = []
    if runs:
        pages.append(folder / f"{stamp}-latency.html")
        write_atomically(pages[-1], render_latency_page(runs))
    if load is not None:
        pages.append(folder / f"{stamp}-load.html")
        write_atomically(pages[-1], render_load_page({load.run_id: load.report}))
    return tuple(pages)


def _show(result: SuiteResult, *, json: bool) -> None:
    from dataclasses import asdict

    from opsctl.bench.load.stored import plain_report
    from opsctl.bench.verdict import worst
    from opsctl.cli.document import document
    from opsctl.evidence.model import Verdict
    from opsctl.ui.console import print_document
    from opsctl.ui.show_suite import show_suite

    load = result.load
    reports = [run.report for run in result.runs.values()]
    verdict = worst([*(report.verdict for report in reports), *([load.report.verdict] if load else [])])
    problems = [problem for report in reports for problem in report.problems]
    problems += load.report.problems if load else ()
    if not json:
        show_suite(
            result.runs,
            load=(load.run_id, load.report) if load else None,
            verdict=verdict,
            problems=problems,
            pages=result.pages,
        )
        return
    data = {
        "latency": [{"run": run_id, **asdict(run.report)} for run_id, run in result.runs.items()],
        "load": {"run": load.run_id, **plain_report(load.report)} if load else None,
        "pages": [str(page) for page in result.pages],
    }
    is_good = verdict is Verdict.PASS
    print_document(document("opsctl.bench.suite", data=data, ok=is_good, findings=problems))
