"""How is a run of drills held, and how are protections taken away to see whether the drills notice."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from opsctl.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from opsctl.chaos.journal import Journal
    from opsctl.chaos.load_drills import NamedDrill
    from opsctl.chaos.mutants import Bite, Mutant
    from opsctl.chaos.verdict import DrillVerdict
    from opsctl.cli.chaos_stage import Stage
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
    """Hold mutants on a stage of their own, and keep what they proved."""
    from opsctl.cli import wiring
    from opsctl.cli.chaos_stage import open_stage
    from opsctl.cli.chaosing import drills

    known = drills(())
    with open_stage(listener) as stage:
        return hold_mutants(names, known, stage=stage, record=wiring.record)


def hold_mutants(
    names: Collection[str],
    known: "Sequence[NamedDrill]",
    *,
    stage: "Stage",
    record: "Callable[[Evidence], object]",
) -> "tuple[Bite, ...]":
    """Take protections away, one after the other, and hold the drill that must notice; it is held as it is before.

    Only all of them, to the end, are evidence.
    """
    from opsctl.chaos.biting import bites
    from opsctl.cli import wiring

    began_at = wiring.clock().now()
    found = tuple(bites(chosen_mutants(names), known, hold=partial(_hold, stage)))
    if not names and not any(each.is_interrupted for each in found):
        record(_teeth_evidence(found, began_at=began_at))
    return found


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


def _hold(stage: "Stage", named: "NamedDrill", mutant: "Mutant | None") -> "DrillVerdict":
    from opsctl.cli.chaos_stage import muted

    if mutant is None:
        return stage.hold(named)[1]
    books = stage.ground.other_books(service=mutant.service, cache=mutant.cache)
    with books, muted(stage.watchers, mutant.muted):
        return stage.hold(named)[1]


def _teeth_evidence(bites: "Sequence[Bite]", *, began_at: "datetime") -> "Evidence":
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
        started_at=began_at,
        duration_seconds=round((wiring.clock().now() - began_at).total_seconds(), 1),
        valid_for=timedelta(days=30),
        simulated=SIMULATED,
    )
