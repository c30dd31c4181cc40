"""What does the page of all benchmarks say? Values in, Markdown out: no figure on it is typed by hand."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from tests.benchmarks.causes import UNKNOWN, Causes, missed
from tests.benchmarks.results import Result
from tests.benchmarks.rows import Row, Verdict
from tests.benchmarks.steps import Step

from opsctl.core.markdown_table import markdown_table
from opsctl.core.units import format_duration

HEADER = "<!-- Made by `make bench`; do not edit. The causes stand in tests/benchmarks/causes.yaml. -->"
_INTRODUCTION = """\
Every benchmark of the project, one after the other on one machine, by `make bench`. Each takes turns with what it compares itself with, and a ratio (`x`) is to
what stands under *compared with*. In brackets are the least and the most of the turns, or *95 %* and the interval, which is judged as a whole: where it lies
on both sides of its target, this run cannot tell. The load average says whether the machine had other work when the run began."""
_TITLES = ("benchmark", "what", "measured", "compared with", "target", "held")
_VERDICTS = {
    Verdict.HELD: "held",
    Verdict.MISSED: "**missed**",
    Verdict.CANNOT_TELL: "**cannot tell**",
    Verdict.NO_TARGET: "-",
}


def render_page(steps: Sequence[Step], results: Mapping[str, Result], causes: Causes) -> str:
    """Return the page; a step without a result is told to be without one."""
    parts = [
        f"# Benchmarks\n\n{HEADER}",
        _INTRODUCTION,
        *(
            _machine(results.values())
            if results
            else ["Nothing is measured yet: `make bench` fills this page."]
        ),
        "## Figures",
        markdown_table(_TITLES, [row for step in steps for row in _figures(step, results.get(step.name))]),
        "## Missed targets and why",
        _causes(results.values(), causes),
        "## The runs",
        markdown_table(
            ("benchmark", "arguments", "begun (UTC)", "commit", "took", "ended"),
            [_run(step, results.get(step.name)) for step in steps],
        ),
    ]
    return "\n\n".join(parts) + "\n"


def measured(row: Row) -> str:
    """Return the figure with its unit, and what it was between.

    >>> measured(Row(benchmark="b", what="w", value=8.314, least=7.96, most=8.7, unit="x"))
    '8.31x (7.96-8.70)'
    """
    unit = row.unit if row.unit in ("x", "") else f" {row.unit}"
    if not row.unit and row.value.is_integer():
        return f"{row.value:,.0f}"  # a count
    text = f"{_number(row.value)}{unit}"
    if row.least is None or row.most is None or row.least == row.most:
        return text
    return f"{text} ({'95 %: ' if row.is_interval else ''}{_number(row.least)}-{_number(row.most)})"


def _number(value: float) -> str:
    """Return three significant digits, and all of those before the point."""
    size = abs(value)
    places = 0 if size >= 100 or size == 0 else 1 if size >= 10 else 2 if size >= 1 else 3
    return f"{value:,.{places}f}"


def _figures(step: Step, result: Result | None) -> list[tuple[str, ...]]:
    if result is None:
        return [(f"`{step.name}`", "not measured", "-", "-", "-", "-")]
    rows = [_figure(row) for row in result.rows]
    if result.failure:
        rows.append((f"`{step.name}`", result.failure, "-", "-", "-", "**failed**"))
    return rows


def _figure(row: Row) -> tuple[str, ...]:
    target = "-"
    if row.target is not None:
        target = f"{'>=' if row.target.is_least else '<='} {row.target.bound:,g}"
    cells = (
        f"`{row.benchmark}`",
        row.what,
        measured(row),
        row.against or "-",
        target,
        _VERDICTS[row.verdict],
    )
    return tuple(cell.replace("|", "\\|") for cell in cells)


def _machine(results: Iterable[Result]) -> list[str]:
    all_results = list(results)
    newest = max(all_results, key=lambda result: result.begun)
    days = sorted({datetime.fromisoformat(each.begun).strftime("%Y-%m-%d") for each in all_results})
    commits = sorted({each.commit for each in all_results})
    facts = {
        **newest.machine,
        "measured on": ", ".join(days),
        "commit": ", ".join(f"`{_short(commit)}`" for commit in commits),
        "whole time": format_duration(sum(each.seconds for each in all_results)),
        "load average before": f"{max(each.load_before for each in all_results):.2f}",
    }
    return ["## Machine", markdown_table(("", ""), list(facts.items()))]


def _causes(results: Iterable[Result], causes: Causes) -> str:
    rows = [row for result in results for row in result.rows]
    told = [
        f"- **{each.row.benchmark}: {each.row.what}** ({measured(each.row)}): {each.cause or UNKNOWN}"
        for each in missed(rows, causes)
    ]
    told += [
        f"- **{row.benchmark}: {row.what}** ({measured(row)}): the interval lies on both sides of the target, this run cannot tell"
        for row in rows
        if row.verdict is Verdict.CANNOT_TELL
    ]
    return "\n".join(told) or "None."


def _run(step: Step, result: Result | None) -> tuple[str, ...]:
    arguments = f"`{' '.join(step.arguments)}`" if step.arguments else "-"
    if result is None:
        return (f"`{step.name}`", arguments, "-", "-", "-", "not run")
    begun = datetime.fromisoformat(result.begun).strftime("%Y-%m-%d %H:%M")
    took = format_duration(result.seconds)
    return (f"`{step.name}`", arguments, begun, f"`{_short(result.commit)}`", took, result.failure or "well")


def _short(commit: str) -> str:
    """Return a commit as people write it, and whether files differed from it."""
    head, _, changes = commit.partition("+")
    return head[:7] + ("+" + changes if changes else "")
