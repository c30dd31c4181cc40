"""What did the standard suite find: one table of every budget and gate, one verdict, and where the pages are."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from opsctl.bench.load.model import GateCheck, LoadReport
from opsctl.bench.load.words import amount, main_rate, rate
from opsctl.bench.model import BudgetCheck, LatencyReport, LatencyRun
from opsctl.core.findings import Finding
from opsctl.evidence.model import Verdict
from opsctl.ui.console import hint, out, print_line
from opsctl.ui.figures import VERDICT_WORDS
from opsctl.ui.show_error import show_findings
from opsctl.ui.table import show_table

_TITLES = ("what", "demanded", "measured", "interval (95 %)", "verdict")
_UNITS = {"recall": "share"}


def show_suite(
    runs: Mapping[str, LatencyRun],
    *,
    load: tuple[str, LoadReport] | None,
    verdict: Verdict,
    problems: Sequence[Finding],
    pages: Sequence[Path],
) -> None:
    """Print verdict, table, problems and the paths of the pages."""
    rows = [row for run in runs.values() for row in _latency_rows(run.report)]
    if load is not None:
        rows += [_gate_row(load[1], gate) for gate in load[1].gates if not gate.is_abort]
    parts = [f"{len(runs)} derived collections"] if runs else []
    parts += [f"a load of {rate(main_rate(load[1]))}"] if load else []
    out().print(f"{VERDICT_WORDS[verdict]} {' and '.join(parts)}", highlight=False)
    show_table(_TITLES, rows)
    show_findings(problems)
    for run_id in (*runs, *([load[0]] if load else [])):
        print_line(f"run {run_id}")
    for page in pages:
        print_line(f"page {page}")
    hint("each in full: opsctl bench show RUN")


def _latency_rows(report: LatencyReport) -> list[tuple[str, ...]]:
    if not report.checks:
        return [(report.subject, "no budget", "-", "-", VERDICT_WORDS[report.verdict])]
    return [_budget_row(report.subject, check) for check in report.checks]


def _budget_row(subject: str, check: BudgetCheck) -> tuple[str, ...]:
    unit = _UNITS.get(check.name, "s")
    sign = ">=" if unit == "share" else "<="
    return (
        f"{subject} {check.name}",
        f"{sign} {amount(check.budget, unit=unit)}",
        amount(check.value, unit=unit),
        _interval(check, unit=unit),
        VERDICT_WORDS[check.verdict],
    )


def _gate_row(report: LoadReport, gate: GateCheck) -> tuple[str, ...]:
    return (
        f"load {report.load}",
        gate.gate,
        amount(gate.value, unit=gate.unit),
        _interval(gate, unit=gate.unit),
        VERDICT_WORDS[gate.verdict] if report.is_valid else "[dim]not judged[/]",
    )


def _interval(check: BudgetCheck | GateCheck, *, unit: str) -> str:
    if check.low is None or check.low == check.high:
        return "-"
    return f"{amount(check.low, unit=unit)} to {amount(check.high, unit=unit)}"
