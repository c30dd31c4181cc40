"""How does a latency run look: quantiles with intervals, ratios, budgets, a plot, and the verdict last."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from opsctl.bench.model import DERIVED, BudgetCheck, LatencyReport, LatencyRun
from opsctl.core.findings import Severity
from opsctl.core.units import format_count, format_duration
from opsctl.evidence.model import Verdict
from opsctl.ui.console import hint, out
from opsctl.ui.figures import (
    COMPARISON_WORDS,
    VERDICT_WORDS,
    milliseconds,
    ratio_text,
    recall_cell,
    tail_cell,
)
from opsctl.ui.plot_terminal import plot_quantiles
from opsctl.ui.show_error import show_findings
from opsctl.ui.table import plain_table
from opsctl.vectors.summary import ArmComparison, ArmSummary, curve

if TYPE_CHECKING:
    from rich.table import Table

_NARROW = 72  # columns; below, the far tails give way


def show_latency(run: LatencyRun, *, run_id: str) -> None:
    """Print one measured target."""
    from rich.markup import escape

    report, console = run.report, out()
    console.print(f"[bold]{escape(report.subject)}[/]  {escape(report.filter)}", highlight=False)
    console.print(_setting(report), style="dim", highlight=False)
    console.print(latency_table(report.arms, limit=report.limit, width=console.width))
    console.print(ratio_table(report.comparisons))
    curves = {samples.arm.name: curve(samples.engine_ns) for samples in run.measurement.arms}
    console.print("\nengine time by percentile", style="dim")
    for line in plot_quantiles(curves, width=min(80, console.width)):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    for check in report.checks:
        console.print(_budget_line(check), highlight=False)
    show_findings(report.problems)
    console.print(f"{VERDICT_WORDS[report.verdict]} {_conclusion(report)}", highlight=False)
    console.print(f"[dim]run {escape(run_id)}[/]\n", highlight=False, soft_wrap=True)


def latency_table(
    arms: Sequence[ArmSummary],
    *,
    limit: int,
    width: int,
    shares: Sequence[float] = (0.5, 0.95, 0.99, 0.999),
) -> "Table":
    """Return the table of quantiles, the interval under each; a narrow terminal gets fewer columns."""
    shown = [0.5, 0.95] if width < _NARROW else list(shares)
    table = plain_table()
    table.padding = (0, 1, 0, 0)
    table.add_column("arm", no_wrap=True)
    table.add_column("ms")
    for share in shown:
        table.add_column(f"p{share * 100:g}", justify="right", no_wrap=True)
    table.add_column(f"recall@{limit}", justify="right", no_wrap=True)
    for arm in arms:
        engine = [tail_cell(arm.engine_at(share)) for share in shown]
        client = [tail_cell(arm.client_at(share)) for share in shown]
        table.add_row(arm.name, "engine", *engine, recall_cell(arm.recall))
        table.add_row("", "client", *client, "")
    return table


def ratio_table(comparisons: Sequence[ArmComparison]) -> "Table":
    """Return the table of ratios: how many times faster the contender is."""
    table = plain_table()
    for name in ("against", "time", "p50", "p95"):
        table.add_column(name, no_wrap=True)
    table.add_column(f"{comparisons[0].contender} is")
    pairs: dict[tuple[str, str], dict[float, ArmComparison]] = {}
    for each in comparisons:
        pairs.setdefault((each.baseline, each.clock), {})[each.quantile] = each
    for (baseline, clock), by_share in pairs.items():
        cells = [ratio_text(by_share[share].ratio) for share in (0.5, 0.95)]
        table.add_row(baseline, clock, *cells, _word(by_share[0.5]))
    return table


def _word(comparison: ArmComparison) -> str:
    word = COMPARISON_WORDS[comparison.verdict]
    if comparison.queries_needed:
        word += f" [dim]n>={comparison.queries_needed:,}[/]"
    return word if comparison.is_equal_recall else f"{word}, [yellow]equal recall not shown[/]"


def _setting(report: LatencyReport) -> str:
    arms = len(report.arms)
    return (
        f"{format_count(report.arms[-1].queries)} queries an arm, {arms} arms in turns,"
        f" {format_duration(report.duration_seconds)}; {report.queries}"
    )


def _budget_line(check: BudgetCheck) -> str:
    rule = "at least" if check.name == "recall" else "at most"
    if check.value is None or check.low is None or check.high is None:
        seen = "not measured"
    else:
        seen = f"{_figure(check, check.value)} [dim]({_figure(check, check.low)}-{_figure(check, check.high)})[/]"
    return f"{VERDICT_WORDS[check.verdict]} {check.name} {seen}, budget {rule} {_figure(check, check.budget)}"


def _figure(check: BudgetCheck, value: float) -> str:
    return f"{value:.3f}" if check.name == "recall" else f"{milliseconds(value)} ms"


def _conclusion(report: LatencyReport) -> str:
    main = report.comparisons[0]
    if any(problem.severity is Severity.ERROR for problem in report.problems):
        return "the run is invalid, its figures prove nothing"
    if main.ratio is None:
        return "too few queries for a comparison"
    at = "at equal recall" if main.is_equal_recall else "but equal recall is not shown"
    return f"{DERIVED} answers {ratio_text(main.ratio)} as fast as {main.baseline} (engine p50), {at}"


def show_next_step(verdict: Verdict, *, is_valid: bool) -> None:
    """Say what to do after a verdict that is not good; what makes a run invalid has told its own next step."""
    match verdict:
        case Verdict.INCONCLUSIVE if is_valid:
            hint("ask more queries with `--queries 10000`, on a machine that does nothing else")
        case Verdict.FAIL:
            hint("see which way of searching fits this filter: `opsctl collections plan`")
        case _:
            pass
