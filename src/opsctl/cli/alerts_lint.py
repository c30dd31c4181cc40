"""Commands of `opsctl alerts`: are the books right, and what is in them."""

from typing import Annotated

import typer

from opsctl.alerts.severity import AlertSeverity
from opsctl.alerts.target import Histograms, PrometheusVersion
from opsctl.cli.finding_output import FailOn, Format
from opsctl.cli.options import Json, command
from opsctl.core.finding_formats import FindingFormat
from opsctl.core.findings import Severity

Version = Annotated[PrometheusVersion, typer.Option("--prometheus", help="Version of Prometheus: 2.42 or 3.")]
HistogramKind = Annotated[
    Histograms, typer.Option("--histograms", help="classic, or native (needs version 3).")
]


def register(app: typer.Typer) -> None:
    """Add the verbs to the group `alerts`."""
    command(
        app,
        "opsctl alerts lint",
        "opsctl alerts lint --fail-on warning",
        "opsctl alerts lint --format sarif > alerts.sarif",
    )(lint)
    command(
        app,
        "opsctl alerts list",
        "opsctl alerts list --severity critical",
        "opsctl alerts list --json",
        name="list",
    )(list_alerts)


def lint(
    *,
    format: Format = FindingFormat.TEXT,
    fail_on: FailOn = Severity.ERROR,
    prometheus: Version = PrometheusVersion.V2,
    histograms: HistogramKind = Histograms.CLASSIC,
    json: Json = False,
) -> None:
    """Check the alert books: expressions against the metric contract, objectives, times, texts, routes, proofs. Exit 1: errors."""
    from opsctl.alerts.lint.proofs import in_short
    from opsctl.alerts.lint.run import lint_books
    from opsctl.cli import watching
    from opsctl.cli.alert_context import lint_context
    from opsctl.cli.finding_output import tell_findings

    target = watching.target(version=prometheus, histograms=histograms)
    books, rules = watching.load_rules(target)
    findings = lint_books(lint_context(books, rules, target=target))
    count = sum(len(loaded.book.rules) for loaded in books.books)
    tell_findings(
        findings,
        schema="opsctl.alerts.lint",
        suite="alerts",
        written=FindingFormat.JSON if json else format,
        fail_on=fail_on,
        in_short=in_short(findings),
        looked_at=f"{count} rules of {len(books.books)} books, {len(rules.alerts)} alerts",
    )


def list_alerts(
    severity: Annotated[AlertSeverity | None, typer.Option("--severity", help="Only these.")] = None,
    json: Json = False,
) -> None:
    """Show every alert: severity, receivers, times allowed, predicted and measured, and how old its proof is."""
    from opsctl.cli import watching, wiring
    from opsctl.cli.alert_context import proof_records
    from opsctl.cli.document import document
    from opsctl.ui.console import print_document
    from opsctl.ui.show_alerts import listed, show_alerts

    _, rules = watching.load_rules()
    chosen = [alert for alert in rules.alerts if severity in (None, alert.severity)]
    rows = listed(chosen, proofs=proof_records(), now=wiring.clock().now())
    if json:
        print_document(document("opsctl.alerts.list", data=rows, ok=True))
    else:
        show_alerts(rows)
