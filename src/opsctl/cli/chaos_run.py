"""The commands `opsctl chaos run` and `report`: drills held on a ground of their own, and what came of them shown again."""

from pathlib import Path
from typing import Annotated

import typer

from opsctl.cli.options import DryRun, Html, Json, Junit, Markdown, command


def register(app: typer.Typer) -> None:
    """Add the verbs to the group `chaos`."""
    command(
        app,
        "opsctl chaos run vectors_down",
        "opsctl chaos run --profile ci",
        "opsctl chaos run --all --html drills.html",
        "opsctl chaos run vectors_down database_silent --dry-run",
    )(run)
    command(app, "opsctl chaos teeth", "opsctl chaos teeth 'no tiers' --json")(teeth)
    command(
        app,
        "opsctl chaos report",
        "opsctl chaos report --html drills.html",
        "opsctl chaos report --catalogue faults.md",
    )(report)


def run(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[DRILL]...", help="Drills by name; `opsctl chaos list` shows them."),
    ] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Every drill.")] = False,
    profile: Annotated[
        str | None, typer.Option("--profile", metavar="TAG", help="The drills with this tag, such as `ci`.")
    ] = None,
    html: Html = None,
    junit: Junit = None,
    markdown: Markdown = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Hold drills: break something, and watch what must hold all the while.

    A stack of its own is started with the project's books, its watchers, and a fault proxy; nothing else is touched.
    Each fault has a lease that a process outside this one watches, so it is undone whatever happens. Exit 1: something
    did not hold. Exit 4: it may cost more than is left this month. Exit 5: it cannot be told. Exit 6: something of a
    fault is left.
    """
    from opsctl.chaos.verdict import exit_code
    from opsctl.cli import chaos_holding, chaos_journals, chaosing
    from opsctl.cli.document import document
    from opsctl.cli.ending import ends_as_by_ctrl_c
    from opsctl.cli.exit import leave
    from opsctl.cli.report_files import require_places
    from opsctl.ui.console import print_document
    from opsctl.ui.progress import progress
    from opsctl.ui.show_chaos import show_drill_verdicts
    from opsctl.ui.show_chaos_plan import show_drill_plan

    if sum(map(bool, (names, everything, profile))) != 1:
        raise typer.BadParameter(
            "say which, in one way: names, --profile ci, or --all; `opsctl chaos list` shows them"
        )
    drills = chaosing.drills(names or (), tags=(profile,) if profile else ())
    chaosing.require_alerts(drills)
    if dry_run:
        if json:
            print_document(document("opsctl.chaos.plan", data=chaosing.listed(drills, {}), ok=True))
        else:
            for each in drills:
                show_drill_plan(each)
        return
    require_places(html, junit, markdown)
    with progress() as listener, ends_as_by_ctrl_c():
        journal = chaos_holding.run(drills, listener=listener)
    chaos_journals.write_outputs(journal, html=html, junit=junit, markdown=markdown)
    code = exit_code([entry.verdict for entry in journal.entries])
    if json:
        print_document(document("opsctl.chaos.run", data=chaos_journals.document_of(journal), ok=not code))
    else:
        show_drill_verdicts(
            [entry.verdict for entry in journal.entries],
            {entry.report.drill: entry.report for entry in journal.entries},
        )
    leave(code)


def teeth(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[MUTANT]...", help="Which, as `--dry-run` lists them; all without any."),
    ] = None,
    *,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Take protections away, one after the other, and require the drill that must notice to go red.

    Exit 1: fewer than nine in ten are noticed.
    """
    from opsctl.chaos.mutants import WANTED_SHARE, score
    from opsctl.cli import chaos_holding
    from opsctl.cli.document import document
    from opsctl.cli.ending import ends_as_by_ctrl_c
    from opsctl.cli.exit import leave
    from opsctl.core.exit_codes import ExitCode
    from opsctl.ui.console import print_document
    from opsctl.ui.progress import progress
    from opsctl.ui.show_teeth import show_mutants, show_teeth

    mutants = chaos_holding.chosen_mutants(names or ())
    if dry_run:
        if json:
            print_document(document("opsctl.chaos.mutants", data=mutants, ok=True))
        else:
            show_mutants(mutants)
        return
    with progress() as listener, ends_as_by_ctrl_c():
        bites = chaos_holding.show_teeth(names or (), listener=listener)
    is_good = score(bites) >= WANTED_SHARE
    if json:
        data = {"score": score(bites), "wanted": WANTED_SHARE, "bites": bites}
        print_document(document("opsctl.chaos.teeth", data=data, ok=is_good))
    else:
        show_teeth(bites)
    if any(each.is_interrupted for each in bites):
        leave(ExitCode.INTERRUPTED)
    leave(ExitCode.GOOD if is_good else ExitCode.BAD_VERDICT)


def report(
    run_id: Annotated[
        str | None,
        typer.Argument(metavar="[RUN]", help="Which run, such as 20261129T014931Z; the last without it."),
    ] = None,
    *,
    html: Html = None,
    junit: Junit = None,
    markdown: Markdown = None,
    catalogue: Annotated[
        Path | None,
        typer.Option(
            "--catalogue", metavar="FILE", help="Also write the catalogue of faults with what was measured."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Show a run of drills again, in detail; each is kept in `.opsctl/chaos/runs`."""
    from opsctl.cli import chaos_journals
    from opsctl.cli.document import document
    from opsctl.ui.console import print_document
    from opsctl.ui.show_chaos import show_drill_report

    journal = chaos_journals.read_run(run_id)
    chaos_journals.write_outputs(journal, html=html, junit=junit, markdown=markdown)
    if catalogue is not None:
        chaos_journals.write_catalogue(catalogue)
    if json:
        print_document(document("opsctl.chaos.report", data=chaos_journals.document_of(journal), ok=True))
    else:
        for entry in journal.entries:
            show_drill_report(entry.report, drill=entry.drill, verdict=entry.verdict)
