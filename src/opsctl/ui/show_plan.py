"""How does a plan look: one table a combination, what each way costs, and the advice with its reason last."""

from opsctl.core.units import format_bytes, format_count, format_duration
from opsctl.qdrant_collections.advisor.model import Advice, CombinationPlan, PlanReport
from opsctl.ui.console import out
from opsctl.ui.figures import COMPARISON_WORDS, ratio_text
from opsctl.ui.show_bench import latency_table
from opsctl.ui.show_error import show_findings
from opsctl.ui.table import show_table
from opsctl.vectors.strategies import Strategy

_WORDS = {
    Advice.BUILD: "[green]✔ build[/]",
    Advice.KEEP: "[green]✔ keep[/]",
    Advice.DROP: "[red]✘ drop[/]",
    Advice.SKIP: "✘ do not build",
    Advice.CANNOT_TELL: "[yellow]? cannot tell[/]",
}


def show_plan(report: PlanReport) -> None:
    """Print every combination and the sum of what is recommended."""
    from rich.markup import escape

    console = out()
    if report.sampled_of is not None:
        share = f"{format_count(report.points)} of {format_count(report.sampled_of)} points"
        console.print(f"[yellow]the figures hold for a sample of {share}[/]", highlight=False)
    for plan in report.plans:
        _show_combination(plan, report=report)
    console.print(
        f"[dim]recommended collections hold {report.overlap:.1%} of {escape(report.source)} again;"
        f" memory = points x dimension x 4 B x 1.5 + payload (Qdrant, capacity planning);"
        f" {format_duration(report.duration_seconds)}[/]",
        highlight=False,
    )


def _show_combination(plan: CombinationPlan, *, report: PlanReport) -> None:
    from rich.markup import escape

    console, measured = out(), plan.measured
    share = measured.points / max(1, measured.source_points)
    console.print(
        f"[bold]{escape(measured.combination.name)}[/]  {escape(str(measured.combination.filter))}"
        f"  [dim]{format_count(measured.points)} points, {share:.2%}[/]",
        highlight=False,
    )
    arms = list(measured.arms.values())
    console.print(latency_table(arms, limit=report.limit, width=console.width, shares=(0.5, 0.95, 0.99)))
    _show_costs(plan)
    show_findings(measured.problems)
    said = plan.recommendation
    console.print(f"{_WORDS[said.advice]} {escape(said.reason)}\n", highlight=False)


def _show_costs(plan: CombinationPlan) -> None:
    rows = []
    for strategy, cost in plan.measured.costs.items():
        build = "-" if cost.build_seconds is None else format_duration(cost.build_seconds)
        against = plan.measured.against.get(strategy)
        ratio = ratio_text(against.ratio) if against else ""
        word = COMPARISON_WORDS[against.verdict] if against else ""
        if against and not against.is_equal_recall:
            word += ", [yellow]equal recall not shown[/]"
        memory = "0" if strategy is not Strategy.NO_INDEX else "-"
        memory = format_bytes(cost.memory_bytes) if cost.memory_bytes else memory
        rows.append((strategy.value, memory, build, ratio, word))
    titles = ("way", "more memory", "build", "this / derived, p50", "derived is")
    show_table(titles, rows, to_the_right=("more memory", "build"))
