"""The commands `opsctl dr drill`, `scenarios` and `report`: losses made for real on a stack of their own, and what came of them."""

from typing import Annotated

import typer

from opsctl.cli.options import DryRun, Html, Json, Junit, Markdown, command

Losses = Annotated[
    list[str] | None,
    typer.Argument(metavar="[LOSS]...", help="Such as `opsctl dr scenarios` lists; both_lost without any."),
]
EveryLoss = Annotated[bool, typer.Option("--all", help="Every kind of loss.")]
Profile = Annotated[
    str | None, typer.Option("--profile", metavar="TAG", help="The losses with this tag, such as `ci`.")
]
Runs = Annotated[int, typer.Option("--runs", min=1, max=100, help="How often each.")]
Seed = Annotated[
    int | None,
    typer.Option("--seed", metavar="N", help="Draws the moment of the loss; a new one without it."),
]
Quick = Annotated[
    bool, typer.Option("--quick", help="For build servers: no watchers, so detection is simulated.")
]


def register(app: typer.Typer) -> None:
    """Add the verbs to the group `dr`."""
    command(
        app,
        "opsctl dr drill",
        "opsctl dr drill both_lost --runs 5 --seed 7",
        "opsctl dr drill --all --html drills.html",
        "opsctl dr drill --profile ci --junit drills.xml",
        "opsctl dr drill --quick --junit drills.xml",
        "opsctl dr drill region_lost --dry-run",
    )(drill)
    command(app, "opsctl dr scenarios", "opsctl dr scenarios --json")(scenarios)
    command(app, "opsctl dr report", "opsctl dr report --all --html drills.html --markdown drills.md")(report)


def drill(
    names: Losses = None,
    *,
    everything: EveryLoss = False,
    profile: Profile = None,
    runs: Runs = 1,
    seed: Seed = None,
    quick: Quick = False,
    html: Html = None,
    junit: Junit = None,
    markdown: Markdown = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Lose something for real, bring it back by its runbook, and count what was lost and how long it took.

    A stack of its own is started with the project's books, readers, watchers, an archiver and a canary that writes at
    least 20 rows a second; yours is not touched. At a moment drawn at random processes are killed and data is removed.
    Exit 1: an objective was missed, or something does not agree. Exit 5: it cannot be told.
    """
    import secrets

    from opsctl.cli import dr_drilling, dr_journals
    from opsctl.cli.ending import ends_as_by_ctrl_c
    from opsctl.cli.exit import leave
    from opsctl.cli.filling import tell
    from opsctl.cli.report_files import require_places
    from opsctl.ui.progress import progress
    from opsctl.ui.show_dr_drill import show_drills
    from opsctl.ui.show_dr_scenarios import show_drill_plan

    if sum(map(bool, (names, everything, profile))) > 1:
        raise typer.BadParameter("say which in one way: names, --profile ci, or --all")
    chosen = dr_drilling.scenarios(names or (dr_drilling.DEFAULT,), everything=everything, profile=profile)
    drawn = secrets.randbelow(1_000_000) if seed is None else seed
    if dry_run:
        plans = [dr_journals.planned(each, runs=runs, seed=drawn, is_quick=quick) for each in chosen]

        def show_plans() -> None:
            for plan in plans:
                show_drill_plan(plan)

        tell("opsctl.dr.drill_plan", data=plans, json=json, show=show_plans)
        return
    require_places(html, junit, markdown)
    with progress() as listener, ends_as_by_ctrl_c():
        journal = dr_drilling.drill(chosen, runs=runs, seed=drawn, is_quick=quick, listener=listener)
    dr_journals.write_outputs(journal, html=html, junit=junit, markdown=markdown)
    tell(
        "opsctl.dr.drill",
        data=dr_journals.document_of(journal),
        json=json,
        show=lambda: show_drills(journal),
    )
    leave(dr_journals.exit_code(journal))


def scenarios(json: Json = False) -> None:
    """List the kinds of loss: what is destroyed, what came of the last drill, and when it was."""
    from opsctl.cli import dr_journals, wiring
    from opsctl.cli.filling import tell
    from opsctl.ui.show_dr_scenarios import show_recoveries

    listed = dr_journals.listed()
    now = wiring.clock().now()
    tell("opsctl.dr.scenarios", data=listed, json=json, show=lambda: show_recoveries(listed, now=now))


def report(
    run_id: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="Which run; the last without it.")
    ] = None,
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="The last drill of every kind of loss, in whichever run.")
    ] = False,
    html: Html = None,
    junit: Junit = None,
    markdown: Markdown = None,
    json: Json = False,
) -> None:
    """Show a run of drills again, in detail."""
    from opsctl.cli import dr_journals
    from opsctl.cli.filling import tell
    from opsctl.ui.show_dr_drill import show_drill_details

    journal = dr_journals.newest() if everything else dr_journals.read(run_id)
    dr_journals.write_outputs(journal, html=html, junit=junit, markdown=markdown)

    def show() -> None:
        for entry in journal.entries:
            show_drill_details(entry)

    tell("opsctl.dr.report", data=dr_journals.document_of(journal), json=json, show=show)
