"""How does the filter matrix look: one block a filter, one line a strategy."""

from collections.abc import Sequence

from opsctl.bench.filters import CaseResult, problems_of
from opsctl.ui.console import out
from opsctl.ui.figures import COMPARISON_WORDS, milliseconds, ratio_text
from opsctl.ui.show_error import show_findings
from opsctl.ui.table import show_table
from opsctl.vectors.strategies import Strategy
from opsctl.vectors.summary import ArmSummary, TailEstimate


def show_filters(results: Sequence[CaseResult], *, limit: int) -> None:
    """Print the matrix."""
    from rich.markup import escape

    console = out()
    if not results:
        show_findings(problems_of(results))
        return
    for result in results:
        case = result.case
        console.print(
            f"[bold]{case.shape}[/] {case.selectivity:.2%} of points  [dim]{escape(str(case.filter))}[/]",
            highlight=False,
        )
        figures = (f"recall@{limit}", "p50 ms", "p95 ms", "planner / this")
        rows = [_cells(result, arm) for arm in result.arms]
        show_table(("strategy", *figures, "verdict"), rows, to_the_right=figures)
        show_findings(result.problems)
    console.print("[dim]engine time; intervals in --json[/]")


def _cells(result: CaseResult, arm: ArmSummary) -> list[str]:
    recall = f"{arm.recall.value:.3f}" if arm.recall else "-"
    cells = [arm.name, recall, _milliseconds(arm.engine_at(0.5)), _milliseconds(arm.engine_at(0.95))]
    comparison = next((each for each in result.comparisons if each.contender == arm.name), None)
    if comparison is None:
        return [*cells, "", "the baseline" if arm.name == Strategy.PLANNER else ""]
    word = COMPARISON_WORDS[comparison.verdict]
    if not comparison.is_equal_recall:
        word += ", [yellow]equal recall not shown[/]"
    return [*cells, ratio_text(comparison.ratio), word]


def _milliseconds(tail: TailEstimate) -> str:
    return "-" if tail.value is None else milliseconds(tail.value)
