"""With what does `alerts test` work: the programs of this machine, and the record of what they showed."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from opsctl.core.errors import NotReadyError
from opsctl.core.exit_codes import ExitCode

if TYPE_CHECKING:
    from opsctl.alerts.rules import RuleSet
    from opsctl.alerts.testing.run import TestReport
    from opsctl.core.events import Listener


def run(names: Sequence[str], *, mutation: bool, listener: "Listener") -> "TestReport":
    """Test the chosen alerts and keep the result in the ledger.

    Raises:
        NotReadyError: ALR093 promtool or amtool is missing; ALR094 they have no folder for temporary files.
    """
    from opsctl.alerts.proving.evidence import rules_digest
    from opsctl.alerts.proving.plan import choose_alerts
    from opsctl.alerts.testing.run import RuleTester
    from opsctl.cli import watching, wiring
    from opsctl.metrics.contract import full_contract

    clock = wiring.clock()
    books, rules = watching.load_rules()
    alerts = choose_alerts(rules, names)
    _require_tools(rules)
    _require_temporary_folder()
    began_at, began = clock.now(), clock.monotonic()
    tester = RuleTester(books, rules, contract=full_contract(), listener=listener, clock=clock)
    report = tester.test(alerts, mutation=mutation)
    _record(
        report,
        began_at=began_at,
        seconds=clock.monotonic() - began,
        subject=", ".join(names) or "all",
        rules=rules_digest(rules),
    )
    return report


def exit_code(report: "TestReport", *, least_score: float) -> ExitCode:
    """Return how the command ends; too many mutants that survive are bad whatever the rules do."""
    from opsctl.cli.bench_runs import exit_code as of_verdict

    score = report.mutation_score
    return ExitCode.BAD_VERDICT if score is not None and score < least_score else of_verdict(report.verdict)


def as_data(report: "TestReport") -> dict[str, Any]:
    """Return the report for a program."""
    return {
        "cases": report.cases,
        "mutants": report.mutants,
        "mutation_score": report.mutation_score,
        "survivors": [{"alert": each.alert, "change": each.change} for each in report.survivors],
    }


def _require_tools(rules: "RuleSet") -> None:
    """Refuse where a program is missing, after at least parsing every expression."""
    from opsctl.clients.watch_tools import INSTALL, missing_tools
    from opsctl.metrics.promql import PromqlError, read_promql

    missing = missing_tools()
    if not missing:
        return
    broken = []
    for alert in rules.alerts:
        try:
            read_promql(alert.expr)
        except PromqlError as error:
            broken.append(f"{alert.name}: {error}")
    parsed = f"all {len(rules.alerts)} expressions parse" if not broken else "; ".join(broken)
    raise NotReadyError(
        f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing, so nothing was tested",
        code="ALR093",
        why=f"only this could be said without: {parsed}",
        fix=f"install: {INSTALL}",
    )


def _require_temporary_folder() -> None:
    """Refuse a folder of temporary files that is none: promtool would fail there, and every rule seem wrong."""
    chosen = os.environ.get("TMPDIR", "")
    if chosen and not (os.path.isdir(chosen) and os.access(chosen, os.W_OK | os.X_OK)):  # noqa: PTH112
        raise NotReadyError(
            f"`TMPDIR` is `{chosen}`, where no temporary file can be made, so nothing was tested",
            code="ALR094",
            why="promtool keeps its test data there",
            fix="unset TMPDIR, or name a folder that can be written",
        )


def _record(report: "TestReport", *, began_at: Any, seconds: float, subject: str, rules: str) -> None:
    from opsctl.cli import wiring
    from opsctl.clients.watch_tools import tool_version
    from opsctl.evidence.model import Evidence

    wiring.record(
        Evidence(
            kind="alerts.test",
            subject=subject,
            verdict=report.verdict,
            figures={
                "alerts": len(report.cases),
                "cases": sum(report.cases.values()),
                "failures": report.failures,
                "mutants": report.mutants,
                "mutation_score": report.mutation_score,
            },
            inputs={"rules": rules},
            tools={"promtool": tool_version("promtool")},
            started_at=began_at,
            duration_seconds=round(seconds, 1),
        )
    )
