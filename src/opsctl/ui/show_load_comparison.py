"""How do two loads look side by side: one row a metric, what changed, how sure that is, and the verdict last."""

import math

from opsctl.bench.load.comparison import LoadComparison, MetricChange
from opsctl.bench.load.metrics import Metric
from opsctl.bench.load.words import amount, percent
from opsctl.core.units import format_duration
from opsctl.evidence.model import Verdict
from opsctl.ui.console import hint, out
from opsctl.ui.figures import VERDICT_WORDS
from opsctl.ui.show_error import show_findings
from opsctl.ui.table import show_table
from opsctl.vectors.statistics import Comparison

WORDS = {
    Comparison.BETTER: "[green]better[/]",
    Comparison.WORSE: "[red]worse[/]",
    Comparison.SAME: "same",
    Comparison.CANNOT_TELL: "[yellow]cannot tell[/]",
}


def show_load_comparison(comparison: LoadComparison) -> None:
    """Print how the second load differs from the first."""
    from rich.markup import escape

    console = out()
    turns = " [dim]in turns[/]" if comparison.is_interleaved else ""
    names = [
        f"{escape(name)}{f' [dim]({escape(commit[:12])})[/]' if commit else ''}"
        for name, commit in zip((comparison.first, comparison.second), comparison.commits, strict=True)
    ]
    console.print(f"{names[0]} -> {names[1]}{turns}", highlight=False, soft_wrap=True)
    for name, own, other in comparison.differences:
        console.print(
            f"[yellow]differs[/] {escape(name)}: {escape(own)} / {escape(other)}",
            highlight=False,
            soft_wrap=True,
        )
    if comparison.refusal is not None:
        show_findings([comparison.refusal])
    show_table(
        ("metric", "first", "second", "change (99 %)", "A/A", "p", "second is"),
        [_row(change) for change in comparison.changes],
    )
    console.print(
        f"{VERDICT_WORDS[comparison.verdict]} {sentence(comparison)}", highlight=False, soft_wrap=True
    )
    if comparison.verdict is Verdict.INCONCLUSIVE and (step := _next_step(comparison)):
        hint(step)


def sentence(comparison: LoadComparison) -> str:
    """Return the conclusion in words."""
    by_verdict = {
        verdict: [str(change.metric) for change in comparison.changes if change.verdict is verdict]
        for verdict in Comparison
    }
    parts = [
        f"{', '.join(names)} {word}"
        for verdict, word in (
            (Comparison.WORSE, "worse"),
            (Comparison.BETTER, "better"),
            (Comparison.CANNOT_TELL, "cannot be told"),
            (Comparison.SAME, "same"),
        )
        if (names := by_verdict[verdict])
    ]
    if comparison.refusal is not None:
        return "not compared"
    return "; ".join(parts) or "no metric that both have"


def _row(change: MetricChange) -> tuple[str, ...]:
    word = WORDS[change.verdict]
    if change.seconds_needed is not None:
        word += f" [dim]needs {_seconds(change.seconds_needed)}[/]"
    return (
        change.metric,
        amount(change.first, unit=change.unit),
        amount(change.second, unit=change.unit),
        _change_text(change),
        "-" if change.noise is None else _size(change, change.noise).lstrip("+"),
        "-" if change.p_value is None else f"{change.p_value:.2g}",
        word,
    )


def _change_text(change: MetricChange) -> str:
    if change.change is None or change.low is None or change.high is None:
        return "-"
    return f"{_size(change, change.change)} [dim]({_size(change, change.low)} to {_size(change, change.high)})[/]"


def _size(change: MetricChange, value: float) -> str:
    """Return a relative change in percent, or a difference of shares in points."""
    if not math.isfinite(value):
        return "-"
    if change.unit == "share":
        return f"{value * 100:+.2f} points"
    return f"{value:+.1%}"


def _next_step(comparison: LoadComparison) -> str | None:
    needed = [change.seconds_needed for change in comparison.changes if change.seconds_needed is not None]
    if not needed:
        return None
    sure = [change.metric for change in comparison.changes if change.verdict is not Comparison.CANNOT_TELL]
    text = f"load both sides for {_seconds(max(needed))} or longer"
    if sure and Metric.P99 not in sure:
        text += f", or judge by fewer metrics: `--metric {sure[0]}`"
    return f"{text}; a noise floor above {percent(comparison.noise_floor)} needs less"


def _seconds(seconds: float) -> str:
    """Return whole seconds, rounded up: a shorter load would not do."""
    return format_duration(math.ceil(seconds))
