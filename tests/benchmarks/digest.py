"""Which figures of all benchmarks does the README show? It shows them as they were measured: its table is written, not typed."""

from collections.abc import Iterable

from tests.benchmarks.page import measured
from tests.benchmarks.results import Result
from tests.benchmarks.rows import Row, Verdict

from opsctl.core.markdown_table import markdown_table

BEGIN = "<!-- Written by `make bench`; do not edit. -->\n"
END = "<!-- End of what `make bench` writes. -->\n"

# Benchmark and what it measured, as its rows name them, and what the README calls it.
SHOWN = {
    ("filter_strategies", "derived against no index, 100,000 points, engine time at p50"): (
        "derived collection against an unindexed source (engine time, p50, equal recall)"
    ),
    ("filter_strategies", "derived against planner, 100,000 points, engine time at p50"): (
        "the same against an indexed source"
    ),
    ("service_speed", "cached feed, one worker"): "cached feed of 5.6 KB, one worker",
    ("load_engine", "recorded against wrk"): "the load engine in open loop against wrk",
    ("load_engine", "recorded against FastHttpUser"): "the same against Locust's FastHttpUser",
    ("telemetry_cost", "a scrape of two workers under 4,000 feeds/s, p99"): (
        "`/metrics` of two workers under 4,000 feeds/s, p99"
    ),
    ("experiment_events", "the analysis of 100,000,000 rows, as long as reading them"): (
        "analysis of an experiment with 100 million events, beside reading their columns"
    ),
}


def with_digest(readme: str, results: Iterable[Result]) -> str:
    """Return the README with the table between the marks made anew; one without marks is returned as it is.

    Raises:
        LookupError: a figure that it shows is not among the results.
    """
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        return readme
    return before + begin + _table(row for result in results for row in result.rows) + "\n" + end + after


def _table(rows: Iterable[Row]) -> str:
    by_name = {(row.benchmark, row.what): row for row in rows}
    missing = [f"{benchmark}: {what}" for benchmark, what in SHOWN if (benchmark, what) not in by_name]
    if missing:
        raise LookupError(f"the README shows what was not measured: {'; '.join(missing)}")
    return markdown_table(
        ("what", "measured", "goal"),
        [(name, measured(by_name[key]), _goal(by_name[key])) for key, name in SHOWN.items()],
    )


def _goal(row: Row) -> str:
    if row.target is None:
        return "-"
    goal = f"{'>=' if row.target.is_least else '<='} {row.target.bound:,g}"
    return goal if row.verdict is Verdict.HELD else f"{goal}: {row.verdict}"
