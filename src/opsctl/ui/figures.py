"""How is a measured figure written: three digits, its interval, and a dash where the sample does not support it."""

from opsctl.evidence.model import Verdict
from opsctl.vectors.intervals import Interval
from opsctl.vectors.statistics import Comparison, Ratio
from opsctl.vectors.summary import TailEstimate

VERDICT_WORDS = {
    Verdict.PASS: "[green]✔ pass[/]",
    Verdict.FAIL: "[red]✘ fail[/]",
    Verdict.INCONCLUSIVE: "[yellow]? inconclusive[/]",
}

COMPARISON_WORDS = {
    Comparison.BETTER: "[green]faster[/]",
    Comparison.WORSE: "[red]slower[/]",
    Comparison.SAME: "same",
    Comparison.CANNOT_TELL: "[yellow]cannot tell[/]",
}


def milliseconds(seconds: float) -> str:
    """Return milliseconds with three significant digits.

    >>> [milliseconds(value) for value in (0.0000654, 0.0123456, 1.5)]
    ['0.0654', '12.3', '1,500']
    """
    return significant(seconds * 1000)


def recorded_milliseconds(seconds: float) -> str:
    """Return milliseconds of what was recorded in whole microseconds, which has no fourth decimal.

    >>> [recorded_milliseconds(value) for value in (0.000035, 0.0123456)]
    ['0.035', '12.3']
    """
    return milliseconds(seconds) if seconds >= 0.0001 or seconds == 0 else f"{seconds * 1000:.3f}"


def significant(value: float) -> str:
    """Return a number with three significant digits, never in powers of ten.

    >>> [significant(value) for value in (0, 0.5, 8.125, 1234567)]
    ['0', '0.500', '8.12', '1,234,567']
    """
    if value == 0:
        return "0"
    digits = 2
    for bound in (10, 1, 0.1, 0.01, 0.001, 0.0001, 0.00001):
        if abs(value) >= bound:
            break
        digits += 1
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.{digits - 1}f}"


def tail_cell(tail: TailEstimate) -> str:
    """Return a quantile in milliseconds over its interval, or a dash over the sample it would need."""
    if tail.value is None or tail.low is None or tail.high is None:
        return f"-\n[dim]n>={tail.needed:,}[/]"
    return f"{milliseconds(tail.value)}\n[dim]{milliseconds(tail.low)}-{milliseconds(tail.high)}[/]"


def recall_cell(recall: Interval | None) -> str:
    """Return a recall over its interval."""
    if recall is None:
        return "-"
    return f"{recall.value:.3f}\n[dim]{recall.low:.3f}-{recall.high:.3f}[/]"


def ratio_text(ratio: Ratio | None) -> str:
    """Return a ratio with its interval."""
    if ratio is None:
        return "-"
    return f"{significant(ratio.value)}x [dim]({significant(ratio.low)}-{significant(ratio.high)})[/]"
