"""How does a search for the capacity look: each step as it ends, rate against latency, the edge, and what is needed."""

import math
from collections.abc import Sequence
from dataclasses import asdict

from opsctl.bench.capacity.model import CapacityReport, Need, StepResult, WorkersResult
from opsctl.bench.capacity.run import StepDone
from opsctl.bench.capacity.search import Answer, End, SearchPlan
from opsctl.bench.load.words import percent, rate
from opsctl.core.events import Event, Listener, Noted
from opsctl.core.units import format_bytes, format_count, format_duration
from opsctl.evidence.model import Verdict
from opsctl.ui.console import hint, out
from opsctl.ui.figures import VERDICT_WORDS, milliseconds, significant
from opsctl.ui.table import show_table

MARKS = {Answer.PASSED: "●", Answer.FAILED: "✘", Answer.UNSURE: "?", Answer.INVALID: "·"}

_WORDS = {
    End.FOUND: "",
    End.SENDER: "the sender could not send more, so the service may hold more",
    End.CEILING: "the highest rate allowed passed",
    End.FLOOR: "not even the lowest rate allowed passed",
    End.UNSURE: "not even the lowest rate allowed could be told to hold, nor to fail",
    End.STEPS: "the steps were used up before the edge was clear",
    End.TIME: "the time was used up before the edge was clear",
}
_LEFT = 11


def telling_steps(listener: Listener) -> Listener:
    """Return a listener that also tells the end of each step in a line."""

    def hear(event: Event) -> None:
        listener(event)
        if isinstance(event, StepDone):
            listener(Noted(subject=event.subject, message=step_line(event)))

    return hear


def step_line(event: StepDone) -> str:
    """Return one step in a line."""
    result = event.result
    p99 = milliseconds(result.p99.value) + " ms" if result.p99 else "-"
    why = f" ({result.why})" if result.why else ""
    workers = f"{event.workers} {'worker' if event.workers == 1 else 'workers'}"
    return f"{workers}, {rate(result.rate)}: {result.answer}, p99 {p99}{why}"


def show_capacity(report: CapacityReport) -> None:
    """Print what was found."""
    from rich.markup import escape

    console = out()
    console.print(
        f"[bold]{escape(report.load)}[/]  highest rate with {escape(', '.join(report.gates))}",
        highlight=False,
    )
    for result in report.results:
        for line in plot_steps(result.steps, width=min(80, console.width)):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
    show_table(
        ("workers", "holds", "fails at", "p99", "hits", "CPU a request", "why it ended"),
        [_row(result) for result in report.results],
    )
    _show_law(report)
    if report.need is not None:
        _show_need(report.need)
    console.print(f"{VERDICT_WORDS[report.verdict]} {_sentence(report)}", highlight=False, soft_wrap=True)
    if report.verdict is Verdict.INCONCLUSIVE:
        hint(_next_step(report))


def show_capacity_plan(load: str, *, gates: Sequence[str], workers: Sequence[int], plan: SearchPlan) -> None:
    """Print what would be searched."""
    from rich.markup import escape

    counts = ", ".join(str(count) for count in workers) or "as the service has them"
    for name, text in (
        ("load", escape(load)),
        ("gates", escape(", ".join(gates)) or "none"),
        ("workers", counts),
        ("first step", rate(plan.start)),
        ("no step beyond", rate(plan.highest)),
        (
            "ends",
            f"within {plan.precision:.0%}, {plan.most_steps} steps or {format_duration(plan.most_seconds)}",
        ),
    ):
        out().print(f"{name:<16}{text}", highlight=False, soft_wrap=True)


def plain_capacity(report: CapacityReport) -> dict[str, object]:
    """Return what was found as JSON has it: without the report of the last step and the fit's resamples."""
    plain = asdict(report)
    for result in plain["results"]:
        del result["last"]
    if plain["law"] is not None:
        del plain["law"]["resamples"]
    return plain


def plot_steps(steps: Sequence[StepResult], *, width: int = 80, height: int = 12) -> list[str]:
    """Return the lines of a plot: rate to the right, p99 upward, both on log scales; one mark a step by its answer."""
    drawn = [
        (step.rate, step.p99.value, Answer(step.answer)) for step in steps if step.p99 and step.p99.value > 0
    ]
    if not drawn:
        return []
    columns = max(20, width - _LEFT - 2)
    left, right = _span([step[0] for step in drawn])
    low, high = _span([step[1] for step in drawn])
    grid = [[" "] * columns for _ in range(height)]
    for step_rate, seconds, answer in drawn:
        column = round((columns - 1) * math.log(step_rate / left) / math.log(right / left))
        row = round((height - 1) * math.log(high / seconds) / math.log(high / low))
        grid[row][column] = MARKS[answer]
    lines = []
    for row, cells in enumerate(grid):
        is_labelled = row in (0, height // 2, height - 1)
        seconds = high * (low / high) ** (row / (height - 1))
        label = f"{milliseconds(seconds)} ms" if is_labelled else ""
        lines.append(f"{label:>{_LEFT - 2}} ┤{''.join(cells)}".rstrip())
    first, last = f"{format_count(left)}/s", f"{format_count(right)}/s"
    legend = "   ".join(
        f"{MARKS[answer]} {answer}" for answer in Answer if any(step[2] is answer for step in drawn)
    )
    return [
        *lines,
        " " * (_LEFT - 1) + "└" + "─" * columns,
        " " * _LEFT + first + " " * max(1, columns - len(first) - len(last)) + last,
        " " * _LEFT + f"p99 by rate   {legend}",
    ]


def _row(result: WorkersResult) -> tuple[str, ...]:
    capacity, use = result.capacity, result.use
    p99 = result.last.response.at(0.99) if result.last else None
    cpu = use.cpu_seconds_per_request.get("service") if use else None
    hits = use.hit_ratio if use else None
    why = _WORDS[capacity.end]
    if not capacity.is_monotone:
        why = "; ".join(part for part in (why, "a higher rate passed than one that failed") if part)
    return (
        str(result.workers),
        "-" if capacity.passed is None else rate(capacity.passed),
        "-" if capacity.failed is None else rate(capacity.failed),
        "-" if p99 is None else f"{milliseconds(p99.value)} ms",
        "-" if hits is None else percent(hits),
        "-" if cpu is None else f"{significant(cpu * 1e6)} us",
        why or "edge found",
    )


def _show_law(report: CapacityReport) -> None:
    console = out()
    if (law := report.law) is not None:
        peak = "never turns" if law.peak_workers is None else f"peak at {law.peak_workers:.3g} workers"
        console.print(
            f"scalability: {rate(law.rate_of_one.value)} a worker, contention {law.contention.value:.4f}"
            f" [dim]({law.contention.low:.4f}-{law.contention.high:.4f})[/], coherency {law.coherency.value:.5f}"
            f" [dim]({law.coherency.low:.5f}-{law.coherency.high:.5f})[/], {peak}",
            highlight=False,
            soft_wrap=True,
        )
    elif (seen := report.efficiency) is not None:
        console.print(
            f"scaling from {seen.fewer} to {seen.more} workers: {seen.ratio:.0%} of perfect"
            f" [dim]({seen.low:.0%}-{seen.high:.0%})[/]; a law takes three worker counts",
            highlight=False,
            soft_wrap=True,
        )


def _show_need(need: Need) -> None:
    target = need.target
    out().print(
        f"\n{rate(target.rate)} and {format_count(target.users)} users with {target.headroom:.0%} headroom need",
        highlight=False,
    )
    workers = "-" if need.workers is None else format_count(need.workers)
    if need.workers is not None and need.workers_most != need.workers:
        most = "no upper bound" if need.workers_most is None else f"at most {need.workers_most:,}"
        workers += f" [dim]({most})[/]"
    parts = ", ".join(f"{part} {cores:.2g}" for part, cores in need.cores_by_part.items())
    rows = [
        ("workers", f"{workers} [dim]by {need.basis}[/]"),
        ("cores", "-" if need.cores is None else f"{need.cores:.3g} [dim]({parts})[/]"),
        ("memory", "-" if need.memory_bytes is None else format_bytes(need.memory_bytes)),
        ("L2 operations", _a_second(need.l2_operations_per_second)),
        ("vector searches", _a_second(need.vector_searches_per_second)),
        ("database queries", _a_second(need.database_queries_per_second)),
        ("model calls", _a_second(need.model_calls_per_second)),
    ]
    for name, text in rows:
        out().print(f"  {name:<18}{text}", highlight=False, soft_wrap=True)
    for each in need.notes:
        out().print(f"  [yellow]note[/] {each}", highlight=False, soft_wrap=True)


def _a_second(value: float | None) -> str:
    return "-" if value is None else f"{significant(value)} a second"


def _sentence(report: CapacityReport) -> str:
    best = max((result.capacity.passed or 0.0 for result in report.results), default=0.0)
    if not best:
        return (
            "no rate held the gates"
            if report.verdict is Verdict.FAIL
            else "no rate was shown to hold the gates"
        )
    return f"holds {rate(best)}" if report.verdict is Verdict.PASS else f"holds {rate(best)} at least"


def _next_step(report: CapacityReport) -> str:
    if any(result.capacity.sender_limit is not None for result in report.results):
        return "send from another machine or with more processes: `--processes 2`"
    if any(result.capacity.end is End.UNSURE for result in report.results):
        return "a step has too few requests for these gates: gate a lower percentile, or a larger error rate"
    return "give it more time: `--budget 20m`"


def _span(values: Sequence[float]) -> tuple[float, float]:
    """Return the range of an axis, at least a factor of 1.5 and with some room."""
    low, high = min(values), max(values)
    if high / low < 1.5:
        middle = math.sqrt(low * high)
        low, high = middle / math.sqrt(1.5), middle * math.sqrt(1.5)
    return low, high
