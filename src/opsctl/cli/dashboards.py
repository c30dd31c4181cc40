"""Commands of `opsctl dashboards`: checked, rendered for Grafana, drawn from a live Prometheus."""

from opsctl.cli import dashboards_preview, dashboards_probe
from opsctl.cli.finding_output import FailOn, Format
from opsctl.cli.options import DryRun, Json, command, group
from opsctl.cli.rendering_options import CheckOnly, OutFolder
from opsctl.core.exit_codes import ExitCode
from opsctl.core.finding_formats import FindingFormat
from opsctl.core.findings import Severity

app = group("Dashboards: checked, rendered for Grafana, or drawn here from a live Prometheus.")

dashboards_preview.register(app)
dashboards_probe.register(app)


@command(app, "opsctl dashboards lint", "opsctl dashboards lint --format sarif > dashboards.sarif")
def lint(
    *, format: Format = FindingFormat.TEXT, fail_on: FailOn = Severity.ERROR, json: Json = False
) -> None:
    """Check the dashboards: Grafana's own rules, expressions against the metric contract, layout, links. Exit 1: errors."""
    from opsctl.cli.dashboarding import lint_context
    from opsctl.cli.finding_output import tell_findings
    from opsctl.dashboards.lint.run import lint_dashboards

    context = lint_context()
    panels = sum(len(each.board.panels) for each in context.boards)
    tell_findings(
        lint_dashboards(context),
        schema="opsctl.dashboards.lint",
        suite="dashboards",
        written=FindingFormat.JSON if json else format,
        fail_on=fail_on,
        looked_at=f"{len(context.boards)} dashboards, {panels} panels",
    )


@command(app, "opsctl dashboards render", "opsctl dashboards render --check")
def render(
    *,
    check: CheckOnly = False,
    out: OutFolder = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Render the dashboards for Grafana, with the thresholds of the alerts and provisioning files; same books, same bytes."""
    from opsctl.cli import dashboarding, rendering, wiring
    from opsctl.cli.document import document
    from opsctl.cli.exit import leave
    from opsctl.dashboards.files import render_dashboards
    from opsctl.ui.console import print_document
    from opsctl.ui.show_rendered import show_rendered

    settings, found = wiring.settings(), dashboarding.rules()
    folder = out or settings.root / settings.project.books.dashboards / "rendered"
    files = render_dashboards(
        dashboarding.books(), dashboarding.alert_lines(found), contract=dashboarding.contract(found)
    )
    changes = rendering.changes_of(folder, files, settings=settings, is_check=check, dry_run=dry_run)
    if json:
        data = {"folder": folder, "files": len(files), "changes": changes}
        print_document(document("opsctl.dashboards.render", data=data, ok=not (check and changes)))
    else:
        show_rendered(changes, files=len(files), folder=folder, is_written=not (check or dry_run))
    leave(ExitCode.BAD_VERDICT if check and changes else ExitCode.GOOD)
