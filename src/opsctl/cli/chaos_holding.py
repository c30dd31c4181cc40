"""How is a run of drills held, and how are protections taken away to see whether the drills notice."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from opsctl.core.errors import UsageError

if TYPE_CHECKING:
    from opsctl.chaos.journal import Journal
    from opsctl.chaos.load_drills import NamedDrill
    from opsctl.chaos.mutants import Bite, Mutant
    from opsctl.core.events import Listener
    from opsctl.evidence.model import Evidence


def run(drills: "Sequence[NamedDrill]", *, listener: "Listener") -> "Journal":
    """Hold drills one after the other on one ground, and keep each in the ledger as soon as it is over."""
    from opsctl.chaos.evidence import drill_evidence
    from opsctl.chaos.journal import Journal, entry_of
    from opsctl.cli import wiring
    from opsctl.cli.chaos_journals import keep
    from opsctl.cli.chaos_stage import SIMULATED, open_stage, prepared

    journal = Journal(run_id=f"{wiring.clock().now():%Y%m%dT%H%M%SZ}", entries=(), simulated=SIMULATED)
    with open_stage(listener) as stage:
        for named in drills:
            with prepared(stage.ground, stage.watchers, named.drill):
                report, verdict = stage.hold(named)
            entries = (*journal.entries, entry_of(named, report=report, verdict=verdict))
            journal = Journal(run_id=journal.run_id, entries=entries, simulated=SIMULATED)
            keep(journal)
            wiring.record(
                drill_evidence(named, report=report, verdict=verdict, circumstances=stage.circumstances)
            )
            if report.interrupted:
                break
    return journal


def show_teeth(names: Collection[str], *, listener: "Listener") -> "tuple[Bite, ...]":
    """Take protections away, one after the other, and hold the drill that must notice."""
    from opsctl.chaos.mutants import bite, plain_drill
    from opsctl.cli import wiring
    from opsctl.cli.chaos_stage import muted, open_stage
    from opsctl.cli.chaosing import drills

    known = drills(())
    found: list[Bite] = []
    with open_stage(listener) as stage:
        for mutant in chosen_mutants(names):
            named = plain_drill(mutant, known)
            books = stage.ground.other_books(service=mutant.service, cache=mutant.cache)
            with books, muted(stage.watchers, mutant.muted):
                _, verdict = stage.hold(named)
            found.append(bite(mutant, verdict))
    wiring.record(_teeth_evidence(found))
    return tuple(found)


def chosen_mutants(names: Collection[str]) -> "tuple[Mutant, ...]":
    """Return the mutants of these names, or all.

    Raises:
        UsageError: CHA066 there is none of a name.
    """
    from opsctl.chaos.mutants import MUTANTS

    unknown = sorted(set(names) - {mutant.name for mutant in MUTANTS})
    if unknown:
        listed = ", ".join(f"`{mutant.name}`" for mutant in MUTANTS)
        raise UsageError(f"there is no mutant `{unknown[0]}`", code="CHA066", fix=f"one of: {listed}")
    return tuple(mutant for mutant in MUTANTS if not names or mutant.name in names)


def _teeth_evidence(bites: "Sequence[Bite]") -> "Evidence":
    from opsctl.chaos.mutants import WANTED_SHARE, score
    from opsctl.cli import wiring
    from opsctl.cli.chaos_stage import SIMULATED
    from opsctl.evidence.model import Evidence, Verdict, digest_of

    noticed = score(bites)
    return Evidence(
        kind="chaos.teeth",
        subject="drills",
        verdict=Verdict.PASS if noticed >= WANTED_SHARE else Verdict.FAIL,
        figures={"mutants": len(bites), "noticed_share": round(noticed, 3)},
        inputs={"mutants": digest_of([each.mutant for each in bites])},
        tools={},
        started_at=wiring.clock().now(),
        duration_seconds=0.0,
        valid_for=timedelta(days=30),
        simulated=SIMULATED,
    )
