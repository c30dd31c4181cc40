"""The tree of commands: one noun a group, the house-keeping verbs at the top."""

from pathlib import Path
from typing import Annotated

import typer

from opsctl.cli import (
    alerts,
    artefacts,
    bench,
    breakers,
    cache,
    catalog,
    chaos,
    checklist,
    collections,
    config,
    costs,
    dashboards,
    deploy,
    docs,
    dr,
    evidence,
    experiments,
    learned,
    metrics,
    project,
    report,
    runbooks,
    security,
    serve,
    stack,
    status,
    training,
)
from opsctl.cli.options import HELP_FLAGS
from opsctl.ui.console import mode

app = typer.Typer(
    name="opsctl",
    help="Prove that a vector-search ranking service is ready for production.",
    epilog="\b\nStart here:\n  opsctl init      write the starter books\n  opsctl doctor    see what is missing\n"
    "  opsctl catalog generate && opsctl collections rebuild && opsctl bench",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings=HELP_FLAGS,
)


@app.callback()
def options(
    project_dir: Annotated[
        Path | None,
        typer.Option(
            "--project",
            "-C",
            envvar="OPSCTL_PROJECT",
            help="Project folder; default: nearest with opsctl.yaml.",
        ),
    ] = None,
    verbose: Annotated[
        int, typer.Option("--verbose", "-v", count=True, envvar="OPSCTL_VERBOSE", help="Say more; -vv: all.")
    ] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only results and errors.")] = False,
    color: Annotated[
        str,
        typer.Option(
            "--color",
            metavar="WHEN",
            envvar="OPSCTL_COLOR",
            help="auto, always or never; NO_COLOR works too.",
        ),
    ] = "auto",
) -> None:
    """Take the options that stand before the noun."""
    from opsctl.cli import wiring

    if color not in ("auto", "always", "never"):
        raise typer.BadParameter(f"`{color}` is not auto, always or never", param_hint="--color")
    mode.verbosity = -1 if quiet else verbose
    mode.color = color
    wiring.choose_project(project_dir)


project.register(app)
serve.register(app)
status.register(app)
app.add_typer(config.app, name="config")
app.add_typer(stack.app, name="stack")
app.add_typer(catalog.app, name="catalog")
app.add_typer(collections.app, name="collections")
app.add_typer(bench.app, name="bench")
app.add_typer(cache.app, name="cache")
app.add_typer(breakers.app, name="breakers")
app.add_typer(metrics.app, name="metrics")
app.add_typer(alerts.app, name="alerts")
app.add_typer(dashboards.app, name="dashboards")
app.add_typer(runbooks.app, name="runbooks")
app.add_typer(chaos.app, name="chaos")
app.add_typer(dr.app, name="dr")
app.add_typer(deploy.app, name="deploy")
app.add_typer(experiments.app, name="experiments")
app.add_typer(learned.app, name="learned")
app.add_typer(costs.app, name="costs")
app.add_typer(security.app, name="security")
app.add_typer(checklist.app, name="checklist")
app.add_typer(evidence.app, name="evidence")
app.add_typer(report.app, name="report")
app.add_typer(artefacts.app, name="artefacts")
app.add_typer(docs.app, name="docs")
app.add_typer(training.app, name="training")
