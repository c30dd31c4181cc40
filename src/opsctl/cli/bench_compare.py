"""How does `bench compare` go: find the two runs, compare, show, conclude; also for a load against its baseline."""

from typing import TYPE_CHECKING

from opsctl.core.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opsctl.bench.compare import RunComparison
    from opsctl.bench.load.comparison import LoadComparison
    from opsctl.bench.load.metrics import Metric
    from opsctl.bench.registry import StoredLoadRun, StoredRun


def run_compare(
    first: str,
    second: str,
    *,
    noise_floor: float,
    anyway: bool,
    metrics: "Sequence[Metric]",
    json: bool,
) -> ExitCode:
    """Compare two stored runs, show it, and return the exit code."""
    from opsctl.bench.compare_loads import compare_any
    from opsctl.cli.bench_runs import exit_code, registry

    runs = registry()
    judged = runs.get(second)
    base = runs.previous_of(judged) if first == "previous" else runs.get(first)
    comparison = compare_any(base, judged, noise_floor=noise_floor, anyway=anyway, metrics=metrics)
    code = exit_code(comparison.verdict)
    show(comparison, json=json)
    return code


def against_baseline(run_id: str, *, name: str, noise_floor: float) -> "LoadComparison":
    """Compare a load that was just stored with the run that a baseline stands for.

    Two that cannot be compared are told as a comparison that cannot tell: the load itself was made, and is shown.

    Raises:
        UsageError: BEN066 when there is no such baseline, BEN065 when it stands for a run of another kind.
    """
    from opsctl.bench.compare_loads import compare_loads, refused
    from opsctl.cli.bench_runs import registry
    from opsctl.core.errors import InconclusiveError

    base, new = require_baseline(name), _a_load(registry().get(run_id))
    try:
        return compare_loads(base, new, noise_floor=noise_floor)
    except InconclusiveError as error:
        return refused(base, new, noise_floor=noise_floor, why=error.as_finding())


def require_baseline(name: str) -> "StoredLoadRun":
    """Return the run that a baseline stands for; to be asked before a long run, not after it.

    Raises:
        UsageError: BEN066 when there is no such baseline, BEN065 when it stands for a run of another kind.
    """
    from opsctl.cli.bench_runs import registry

    return _a_load(registry().baseline(name))


def code_with_baseline(own: ExitCode, comparison: "LoadComparison", *, fail_on_regression: bool) -> ExitCode:
    """Return how `bench load --baseline` ends: a missed gate or an invalid run first, then the comparison, if asked for."""
    from opsctl.cli.bench_runs import exit_code

    if own is not ExitCode.GOOD or not fail_on_regression:
        return own
    return exit_code(comparison.verdict)


def show(comparison: "RunComparison | LoadComparison", *, json: bool) -> None:
    """Show a comparison of either kind."""
    from opsctl.bench.load.comparison import LoadComparison
    from opsctl.cli.document import document
    from opsctl.evidence.model import Verdict
    from opsctl.ui.console import print_document
    from opsctl.ui.show_load_comparison import show_load_comparison
    from opsctl.ui.show_runs import show_comparison

    if json:
        is_good = comparison.verdict is Verdict.PASS
        print_document(document("opsctl.bench.compare", data=comparison, ok=is_good))
    elif isinstance(comparison, LoadComparison):
        show_load_comparison(comparison)
    else:
        show_comparison(comparison)


def _a_load(run: "StoredRun") -> "StoredLoadRun":
    from opsctl.bench.registry import StoredLoadRun
    from opsctl.core.errors import UsageError

    if not isinstance(run, StoredLoadRun):
        raise UsageError(
            f"`{run.id}` is a {run.kind} run, and a load compares with loads only",
            code="BEN065",
            fix="let the baseline stand for a load: opsctl bench baseline set NAME RUN",
        )
    return run
