"""How are losses drilled: each on a stage of its own, judged against objectives set before, kept as evidence and journal."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.core.errors import UsageError
from opsctl.core.units import parse_duration

if TYPE_CHECKING:
    from opsctl.core.events import Listener
    from opsctl.dr.drill.book import Recovery
    from opsctl.dr.drill.journal import Journal
    from opsctl.dr.drill.judge import DrillVerdict, Goals
    from opsctl.dr.drill.model import DrillRun
    from opsctl.evidence.model import Evidence

DEFAULT = "both_lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A book with the name of its file."""

    name: str
    file: Path
    recovery: "Recovery"

    @property
    def goals(self) -> "Goals":
        """Return the objectives: those of the scenario, else those of ops/backup.yaml."""
        from opsctl.cli import dr_place
        from opsctl.dr.drill.judge import Goals

        recovery, objectives = self.recovery, dr_place.book().objectives
        return Goals(
            rpo_seconds=parse_duration(recovery.rpo or objectives.rpo),
            rto_seconds=parse_duration(recovery.rto or objectives.rto),
            detect_seconds=parse_duration(recovery.detect_within) if recovery.alert else None,
        )

    def quickly(self) -> "Scenario":
        """Return it as it is drilled without watchers: somebody notices after a second."""
        changes = {"alert": None, "discovered_after": "1s"}
        return replace(self, recovery=self.recovery.model_copy(update=changes))

    @property
    def digest(self) -> str:
        """Return the SHA-256 of what the book says."""
        from opsctl.evidence.model import digest_of

        return digest_of(self.recovery.model_dump(mode="json"))


def scenarios(
    names: Sequence[str] = (), *, everything: bool = False, profile: str | None = None
) -> tuple[Scenario, ...]:
    """Return the books of these names, those with a tag, or all.

    Raises:
        UsageError: DRC077 there is none of a name, or none with the tag.
    """
    from opsctl.cli import wiring
    from opsctl.config.load import load_book
    from opsctl.dr.drill.book import Recovery

    settings = wiring.settings()
    folder = settings.root / settings.project.books.recoveries
    known = tuple(
        Scenario(name=path.stem, file=path, recovery=load_book(path, Recovery))
        for path in sorted(folder.glob("*.yaml"))
    )
    tagged = {each.name for each in known if profile in each.recovery.tags}
    wanted = {each.name for each in known} if everything else tagged if profile else set(names)
    unknown = sorted(wanted - {each.name for each in known})
    if profile and not tagged:
        raise UsageError(
            f"no loss has the tag `{profile}`",
            code="DRC077",
            fix=f"give a book of `ops/recoveries` the line `tags: [{profile}]`, or name losses: opsctl dr scenarios",
        )
    if unknown or not known:
        listed = ", ".join(f"`{each.name}`" for each in known)
        raise UsageError(
            f"there is no loss `{unknown[0]}`" if unknown else f"there is no book in `{folder}`",
            code="DRC077",
            fix=f"one of: {listed}" if known else "`opsctl init` writes the starter books",
        )
    return tuple(each for each in known if each.name in wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryRunbook:
    """The runbook of a kind of loss: where it is, and the commands below Mitigation; none where there is no such file."""

    path: Path
    commands: tuple[str, ...]


def runbook_of(name: str) -> RecoveryRunbook:
    """Return the runbook of a kind of loss."""
    from opsctl.cli import wiring
    from opsctl.clients.files import read_text
    from opsctl.runbooks.parse import parse_runbook

    settings = wiring.settings()
    path = settings.root / settings.project.books.runbooks / f"recover_{name}.md"
    if not path.is_file():
        return RecoveryRunbook(path=path, commands=())
    parsed = parse_runbook(path.name, read_text(path), file=str(path))
    commands = tuple(step.command for step in parsed.steps if step.section == "Mitigation")
    return RecoveryRunbook(path=path, commands=commands)


def drill(
    chosen: Sequence[Scenario], *, runs: int, seed: int, is_quick: bool, listener: "Listener"
) -> "Journal":
    """Hold each drill so many times, each time on a new stage, and keep all of it as soon as it is known.

    A quick one has no watchers: that somebody notices is simulated, and said so.
    """
    from opsctl.cli import wiring
    from opsctl.cli.dr_ground import SIMULATED, SIMULATED_QUICKLY
    from opsctl.dr.drill.journal import Entry, Journal, write_journal
    from opsctl.dr.drill.judge import judge

    journal = Journal(
        run_id=f"{wiring.clock().now():%Y%m%dT%H%M%SZ}",
        entries=(),
        simulated=SIMULATED_QUICKLY if is_quick else SIMULATED,
    )
    for planned, number in _turns(chosen, runs=runs):
        scenario = planned.quickly() if is_quick else planned
        run = _hold(scenario, seed=seed + number, is_quick=is_quick, listener=listener)
        goals = scenario.goals
        verdict = judge(run, goals)
        entry = Entry(
            recovery=scenario.recovery,
            goals=goals,
            run=run,
            verdict=verdict,
            book_digest=scenario.digest,
        )
        journal = Journal(
            run_id=journal.run_id, entries=(*journal.entries, entry), simulated=journal.simulated
        )
        write_journal(runs_folder() / f"{journal.run_id}.json", journal)
        wiring.record(_evidence(scenario, run, verdict, simulated=journal.simulated))
        if run.is_interrupted:
            break
    return journal


def runs_folder() -> Path:
    """Return where journals of drills are kept."""
    from opsctl.cli import dr_place

    return dr_place.notes_folder() / "drills"


def _turns(chosen: Sequence[Scenario], *, runs: int) -> Iterator[tuple[Scenario, int]]:
    return ((scenario, number) for scenario in chosen for number in range(runs))


def _hold(scenario: Scenario, *, seed: int, is_quick: bool, listener: "Listener") -> "DrillRun":
    from opsctl.cli import wiring
    from opsctl.cli.dr_ground import loss_stage
    from opsctl.cli.dr_world import LossWorld
    from opsctl.dr.drill.book import Loss
    from opsctl.dr.drill.conduct import QUICK_WARM_SECONDS, WARM_SECONDS, Plan, hold

    has_older = Loss.REPOSITORY in scenario.recovery.loses
    stages = loss_stage(listener, is_quick=is_quick, has_older_backup=has_older)
    with stages as stage, closing(LossWorld(stage, scenario=scenario.name)) as world:
        return hold(
            Plan(
                name=scenario.name,
                recovery=scenario.recovery,
                seed=seed,
                warm_seconds=QUICK_WARM_SECONDS if is_quick else WARM_SECONDS,
            ),
            world=world,
            clock=wiring.clock(),
            listener=listener,
        )


def _evidence(
    scenario: Scenario, run: "DrillRun", verdict: "DrillVerdict", *, simulated: tuple[str, ...]
) -> "Evidence":
    from opsctl.cli import dr_place
    from opsctl.dr.drill.evidence import drill_evidence

    return drill_evidence(
        run,
        verdict=verdict,
        goals=scenario.goals,
        book_digest=scenario.digest,
        valid_for=timedelta(seconds=parse_duration(dr_place.book().schedule.drill_every)),
        simulated=simulated,
    )
