"""How do stored runs look: the list, one run whole, and two of them compared."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from opsctl.bench.compare import RunComparison
from opsctl.bench.load.words import Standing
from opsctl.bench.registry import StoredLatencyRun, StoredLoadRun, StoredRun
from opsctl.core.units import format_duration
from opsctl.evidence.model import Verdict
from opsctl.ui.console import hint, out, print_line
from opsctl.ui.figures import COMPARISON_WORDS, VERDICT_WORDS, milliseconds, ratio_text
from opsctl.ui.plot_terminal import plot_quantiles
from opsctl.ui.show_load import STANDING_WORDS, show_load
from opsctl.ui.table import show_table
from opsctl.vectors.summary import curve


def show_runs(runs: Sequence[StoredRun], *, now: datetime) -> None:
    """Print a table of runs, the newest first."""
    from rich.markup import escape

    if not runs:
        print_line("no runs yet")
        hint("make one: `opsctl bench latency` or `opsctl bench load`")
        return
    rows = []
    for run in runs:
        age = format_duration(max(0.0, (now - run.recorded_at).total_seconds()))
        rows.append((escape(run.id), escape(run.kind), _verdict(run), f"{size_of(run):,}", age))
    show_table(("run", "kind", "verdict", "requests", "age"), rows)


def _verdict(run: StoredRun) -> str:
    """Return a run's verdict; a load that says nothing about the service is no inconclusive one."""
    is_invalid = isinstance(run, StoredLoadRun) and not run.load.is_valid
    return STANDING_WORDS[Standing.INVALID] if is_invalid else VERDICT_WORDS[run.verdict]


def size_of(run: StoredRun) -> int:
    """Return how many requests or queries a run says something about: those of one arm, where there are several."""
    match run:
        case StoredLoadRun():
            return run.load.answered
        case StoredLatencyRun():
            return next((int(samples.size) for samples in run.engine_ns.values()), 0)
        case _:
            return 0


def show_run(run: StoredRun) -> None:
    """Print one run whole."""
    if isinstance(run, StoredLoadRun):
        show_load(run.load, run_id=run.id)
        _show_conditions(run)
    elif isinstance(run, StoredLatencyRun):
        _show_latency_run(run)


def _show_latency_run(run: StoredLatencyRun) -> None:
    """Print conditions, figures, curve."""
    from rich.markup import escape

    console = out()
    console.print(
        f"{VERDICT_WORDS[run.verdict]} {escape(run.kind)} of {escape(run.subject)}", highlight=False
    )
    _show_conditions(run)
    for arm in run.report["arms"]:
        console.print(escape(_arm_line(arm)), highlight=False, soft_wrap=True)
    curves = {name: curve(samples) for name, samples in run.engine_ns.items() if name != "control"}
    for line in plot_quantiles(curves, width=min(80, console.width)):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    for problem in run.report["problems"]:
        console.print(f"[yellow]{escape(problem['code'])}[/] {escape(problem['title'])}", highlight=False)


def _show_conditions(run: StoredRun) -> None:
    from rich.markup import escape

    for name, value in run.fingerprint.values.items():
        out().print(f"  [dim]{escape(name):<26}[/] {escape(value)}", highlight=False, soft_wrap=True)


def show_comparison(comparison: RunComparison) -> None:
    """Print how the second run differs from the first."""
    from rich.markup import escape

    console = out()
    console.print(f"{escape(comparison.first)} -> {escape(comparison.second)}", highlight=False)
    for name, own, other in comparison.differences:
        console.print(f"[yellow]differs[/] {escape(name)}: {escape(own)} / {escape(other)}", highlight=False)
    rows = []
    for change in comparison.changes:
        word = COMPARISON_WORDS[change.verdict]
        if change.queries_needed:
            word += f" [dim]n>={change.queries_needed:,}[/]"
        p_value = "-" if change.p_value is None else f"{change.p_value:.2g}"
        rows.append((change.arm, f"p{change.quantile * 100:g}", ratio_text(change.ratio), p_value, word))
    show_table(("arm", "engine", "ratio (99 %)", "p", "second run is"), rows)
    console.print(
        f"{VERDICT_WORDS[comparison.verdict]} [dim]noise floor {comparison.noise_floor:.1%}[/]",
        highlight=False,
    )
    if comparison.verdict is Verdict.INCONCLUSIVE:
        hint("measure both sides again with more queries: `opsctl bench latency --queries 10000`")


def _arm_line(arm: Mapping[str, Any]) -> str:
    tails = [
        f"p{tail['quantile'] * 100:g} {'-' if tail['value'] is None else milliseconds(tail['value'])}"
        for tail in arm["engine"]
    ]
    recall = f"{arm['recall']['value']:.3f}" if arm["recall"] else "-"
    return f"{arm['name']:<10} {arm['queries']:,} queries, engine ms {'  '.join(tails)}, recall {recall}"
