"""How does a benchmark command go: measure every target, keep the runs, record the evidence, show, conclude."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.core.errors import UsageError
from opsctl.core.exit_codes import ExitCode

if TYPE_CHECKING:
    from opsctl.bench.latency import LatencyOptions
    from opsctl.bench.model import LatencyRun
    from opsctl.bench.registry import Registry, StoredRun
    from opsctl.cli.measuring import Bed
    from opsctl.evidence.model import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyRequest:
    """What the user asked of `bench latency`."""

    names: list[str] | None
    queries: int
    duration: str | None
    limit: int
    naive: bool
    query_log: Path | None
    seed: int
    noise_floor: float
    allow_noise: bool

    def options(self) -> "LatencyOptions":
        """Return the options of the measurement.

        Raises:
            UsageError: when the duration is not one.
        """
        import math

        from opsctl.bench.latency import LatencyOptions
        from opsctl.core.units import parse_duration
        from opsctl.vectors.validity import Limits

        try:
            seconds = math.inf if self.duration is None else parse_duration(self.duration)
        except ValueError as error:
            raise UsageError(str(error), code="BEN014", fix="write it as `30s` or `2m`") from error
        limits = Limits(noise_floor=self.noise_floor, allow_noise=self.allow_noise)
        return LatencyOptions(queries=self.queries, duration_seconds=seconds, limit=self.limit, limits=limits)


def run_latency(request: LatencyRequest, *, html: Path | None, json: bool) -> ExitCode:
    """Measure every target of the request and return the exit code of the worst verdict."""
    from opsctl.bench.verdict import worst
    from opsctl.cli.measuring import measuring
    from opsctl.clients.files import require_writable
    from opsctl.ui.progress import progress

    if html is not None:
        require_writable(html)
    with progress() as listener, measuring(listener) as bed:
        runs = dict(measure_all(request, bed))
    verdict = worst(run.report.verdict for run in runs.values())
    _show(runs, verdict=verdict, json=json)
    if html is not None:
        _write_page(html, runs)
    return exit_code(verdict)


def registry() -> "Registry":
    """Return the run registry of this project."""
    from opsctl.bench.registry import Registry
    from opsctl.cli import wiring

    return Registry(wiring.settings().home / "runs", clock=wiring.clock())


def exit_code(verdict: "Verdict") -> ExitCode:
    """Return the exit code of a verdict."""
    from opsctl.evidence.model import Verdict

    return {
        Verdict.PASS: ExitCode.GOOD,
        Verdict.FAIL: ExitCode.BAD_VERDICT,
        Verdict.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
    }[verdict]


def plain_run(run: "StoredRun", *, whole: bool) -> dict[str, object]:
    """Return a stored run as JSON has it; the raw samples stay in the file."""
    row: dict[str, object] = {
        "id": run.id,
        "kind": run.kind,
        "subject": run.subject,
        "verdict": run.verdict,
        "recorded_at": run.recorded_at,
        **_sizes(run),
    }
    return row | {"fingerprint": run.fingerprint.values, "report": run.report} if whole else row


def _sizes(run: "StoredRun") -> dict[str, object]:
    from opsctl.bench.registry import StoredLatencyRun, StoredLoadRun

    match run:
        case StoredLatencyRun():
            return {"arms": {name: samples.size for name, samples in run.engine_ns.items()}}
        case StoredLoadRun():
            return {"answered": run.load.answered, "achieved_rate": run.load.achieved_rate}
        case _:
            return {}


def measure_all(request: LatencyRequest, bed: "Bed") -> "list[tuple[str, LatencyRun]]":
    """Measure every target of the request, keep the runs and record their evidence."""
    from dataclasses import replace

    from opsctl.bench.evidence import latency_evidence
    from opsctl.bench.latency import bench_latency
    from opsctl.cli import wiring

    options = request.options()
    targets = [bed.target(name) for name in bed.names(request.names)]
    queries = bed.queries(count=request.queries, seed=request.seed, log=request.query_log)
    machine = bed.machine()
    runs = []
    with bed.unindexed_copy(wanted=request.naive) as unindexed:
        for target in targets:
            started_at = wiring.clock().now()
            run = bench_latency(
                replace(target, unindexed=unindexed),
                queries=queries,
                options=options,
                instruments=bed.instruments,
            )
            run_id = registry().add(run, kind="latency", machine=machine)
            wiring.record(latency_evidence(run.report, run_id=run_id, machine=machine, started_at=started_at))
            runs.append((run_id, run))
    return runs


def _show(runs: "dict[str, LatencyRun]", *, verdict: "Verdict", json: bool) -> None:
    from opsctl.cli.document import document
    from opsctl.core.findings import Severity
    from opsctl.evidence.model import Verdict
    from opsctl.ui.console import print_document
    from opsctl.ui.show_bench import show_latency, show_next_step

    if json:
        data = [{"run": run_id, **_plain(run)} for run_id, run in runs.items()]
        findings = [problem for run in runs.values() for problem in run.report.problems]
        print_document(
            document("opsctl.bench.latency", data=data, ok=verdict is Verdict.PASS, findings=findings)
        )
        return
    for run_id, run in runs.items():
        show_latency(run, run_id=run_id)
    problems = [problem for run in runs.values() for problem in run.report.problems]
    show_next_step(verdict, is_valid=all(problem.severity is not Severity.ERROR for problem in problems))


def _plain(run: "LatencyRun") -> dict[str, object]:
    from dataclasses import asdict

    return asdict(run.report)


def _write_page(path: Path, runs: "dict[str, LatencyRun]") -> None:
    from opsctl.clients.files import write_atomically
    from opsctl.ui.console import note
    from opsctl.ui.latency_page import render_latency_page

    write_atomically(path, render_latency_page(runs))
    note(f"wrote {path}")
