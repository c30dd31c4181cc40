"""Where are the runs of recovery drills kept, what is written of one, and what is known of each kind of loss."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.cli.report_files import write_reports
from opsctl.cli.run_journals import chosen_run, kept_runs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsctl.cli.dr_drilling import Scenario
    from opsctl.core.exit_codes import ExitCode
    from opsctl.dr.drill.journal import Journal
    from opsctl.dr.drill.plan import DrillPlan
    from opsctl.dr.drill.summary import Listed


def read(run_id: str | None) -> "Journal":
    """Return the journal of a run, the newest without a name.

    Raises:
        UsageError: DRC079 there is none.
    """
    from opsctl.cli.dr_drilling import runs_folder
    from opsctl.dr.drill.journal import read_journal

    path = chosen_run(
        runs_folder(),
        run_id,
        code="DRC079",
        none_yet="no loss was drilled yet",
        begin="opsctl dr drill",
    )
    return read_journal(path)


def newest() -> "Journal":
    """Return of every kind of loss what came of it when it was last drilled, in whichever run.

    Raises:
        UsageError: DRC079 nothing was drilled yet.
    """
    from opsctl.dr.drill.journal import Journal

    runs: dict[str, Journal] = {}
    simulated: set[str] = set()
    for journal in _journals():
        simulated |= set(journal.simulated)
        for scenario in {entry.run.scenario for entry in journal.entries}:
            runs[scenario] = journal
    if not runs:
        return read(None)
    entries = [
        entry
        for scenario, journal in sorted(runs.items())
        for entry in journal.entries
        if entry.run.scenario == scenario
    ]
    run_id = max(journal.run_id for journal in runs.values())
    return Journal(run_id=run_id, entries=tuple(entries), simulated=tuple(sorted(simulated)))


def listed() -> "tuple[Listed, ...]":
    """Return every kind of loss with what came of it last; journals that cannot be read are left out."""
    from opsctl.cli.dr_drilling import scenarios
    from opsctl.dr.drill.summary import Listed, last_held

    last = last_held(_journals())
    return tuple(
        Listed(name=each.name, recovery=each.recovery, last=last.get(each.name))
        for each in scenarios(everything=True)
    )


def planned(scenario: "Scenario", *, runs: int, seed: int, is_quick: bool = False) -> "DrillPlan":
    """Return what a drill would do; quickly it is told by nobody but itself."""
    from opsctl.cli import wiring
    from opsctl.cli.dr_drilling import runbook_of
    from opsctl.dr.drill.conduct import QUICK_WARM_SECONDS, WARM_SECONDS, Plan
    from opsctl.dr.drill.plan import DrillPlan

    runbook = runbook_of(scenario.name)
    held = scenario.quickly() if is_quick else scenario
    warm = QUICK_WARM_SECONDS if is_quick else WARM_SECONDS
    moments = {
        seed + number: Plan(
            name=scenario.name, recovery=held.recovery, seed=seed + number, warm_seconds=warm
        ).wait_seconds
        for number in range(runs)
    }
    return DrillPlan(
        scenario=scenario.name,
        recovery=held.recovery,
        goals=held.goals,
        ground=str(wiring.settings().home / "proving"),
        runbook=str(runbook.path),
        commands=runbook.commands,
        moments=moments,
    )


def document_of(journal: "Journal") -> Any:
    """Return a journal as values for a document."""
    from opsctl.dr.drill.journal import to_json

    return json.loads(to_json(journal))


def write_outputs(
    journal: "Journal", *, html: Path | None, junit: Path | None, markdown: Path | None
) -> None:
    """Write the files that were asked for."""
    from opsctl.dr.drill.junit import to_junit
    from opsctl.dr.drill.markdown import to_markdown
    from opsctl.ui.dr_page import render_dr_page

    write_reports(
        (html, lambda: render_dr_page(journal)),
        (junit, lambda: to_junit(journal)),
        (markdown, lambda: to_markdown(journal)),
    )


def exit_code(journal: "Journal") -> "ExitCode":
    """Return how a run ends: as the worst of its drills."""
    from opsctl.core.exit_codes import ExitCode
    from opsctl.dr.drill.judge import Outcome
    from opsctl.dr.drill.summary import worst

    if any(entry.run.is_interrupted for entry in journal.entries):
        return ExitCode.INTERRUPTED
    codes = {
        Outcome.PASSED: ExitCode.GOOD,
        Outcome.MISSED: ExitCode.BAD_VERDICT,
        Outcome.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
    }
    return codes[worst([entry.verdict.outcome for entry in journal.entries])]


def _journals() -> "Iterator[Journal]":
    from opsctl.cli.dr_drilling import runs_folder
    from opsctl.core.errors import OpsError
    from opsctl.dr.drill.journal import read_journal

    for path in kept_runs(runs_folder()):
        try:
            yield read_journal(path)
        except OpsError:
            continue
