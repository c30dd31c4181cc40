"""Commands of `opsctl bench baseline`: names for runs that later ones are compared with."""

from typing import Annotated

import typer

from opsctl.cli.options import DryRun, Json, command, group
from opsctl.core.exit_codes import ExitCode

app = group("Names for stored runs, such as `main`, that later runs are compared with.")

Name = Annotated[str, typer.Argument(help="Small letters, digits and `_.-`, a letter first.")]


@command(
    app, "opsctl bench baseline set main", "opsctl bench baseline set main 20261122T1915 --json", name="set"
)
def set_baseline(
    name: Name,
    run: Annotated[str, typer.Argument(help="Beginning of an id, `latest` or `previous`.")] = "latest",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Let a name stand for a run from now on; what it stood for before stays as a run."""
    from opsctl.bench.baselines import check_name
    from opsctl.cli.bench_runs import registry
    from opsctl.cli.document import document
    from opsctl.ui.console import print_document
    from opsctl.ui.show_baselines import show_baseline_set

    check_name(name)
    runs = registry()
    before, stored = runs.baselines.find_or_damaged(name), runs.get(run)
    if not dry_run:
        runs.baselines.set(name, run=stored.id)
    if json:
        data = {"name": name, "run": stored.id, "before": before, "dry_run": dry_run}
        print_document(document("opsctl.bench.baseline", data=data, ok=True))
    else:
        show_baseline_set(name, run=stored, before=before, dry_run=dry_run)


@command(app, "opsctl bench baseline list", "opsctl bench baseline list --json", name="list")
def list_baselines(json: Json = False) -> None:
    """List the baselines and the run that each stands for. Exit 1: one is damaged."""
    from opsctl.cli.bench_runs import registry
    from opsctl.cli.document import document
    from opsctl.cli.exit import leave
    from opsctl.ui.console import print_document
    from opsctl.ui.show_baselines import show_baselines
    from opsctl.ui.show_error import show_findings

    found, damaged = registry().baselines.list()
    findings = [error.as_finding() for error in damaged]
    if json:
        print_document(document("opsctl.bench.baselines", data=found, ok=not damaged, findings=findings))
    else:
        show_baselines(found)
        show_findings(findings)
    leave(ExitCode.BAD_VERDICT if damaged else ExitCode.GOOD)


@command(app, "opsctl bench baseline rm main", "opsctl bench baseline rm main --dry-run", name="rm")
def remove_baseline(name: Name, dry_run: DryRun = False, json: Json = False) -> None:
    """Forget a name; its run stays."""
    from opsctl.cli.bench_runs import registry
    from opsctl.cli.document import document
    from opsctl.ui.console import print_document
    from opsctl.ui.show_baselines import show_baseline_removed

    registry().baselines.remove(name, dry_run=dry_run)
    if json:
        print_document(document("opsctl.bench.baseline", data={"name": name, "dry_run": dry_run}, ok=True))
    else:
        show_baseline_removed(name, dry_run=dry_run)
