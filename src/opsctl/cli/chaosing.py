"""With what do the commands of `opsctl chaos` work: books, ground, world, ledger of the budget, journals."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.core.errors import UsageError

if TYPE_CHECKING:
    from opsctl.chaos.book import Drill
    from opsctl.chaos.budget import BudgetLedger
    from opsctl.chaos.evidence import Circumstances
    from opsctl.chaos.journal import Journal
    from opsctl.chaos.load_drills import NamedDrill
    from opsctl.chaos.mutants import Bite, Mutant
    from opsctl.chaos.report import DrillReport
    from opsctl.chaos.verdict import DrillVerdict, Outcome
    from opsctl.cli.chaos_world import GroundWorld
    from opsctl.cli.proving_ground import ProvingGround
    from opsctl.cli.proving_watchers import LiveWatchers
    from opsctl.core.events import Listener
    from opsctl.evidence.model import Evidence, Record

MINUTES_A_MONTH = 30 * 24 * 60.0
"""What may be burned in a month, in minutes of the service level: each minute has its share of failures."""

# A fault outlives its runner by at most so long; making one, such as a restart, must not take longer.
_LEASE_SECONDS = 45.0
_SETTLE_SECONDS = 10.0
_CALM_SECONDS = 240.0
_POLL_SECONDS = 1.0
_MUTED_SECONDS = 1800.0


def drills(names: Collection[str], *, tags: Collection[str] = ()) -> "tuple[NamedDrill, ...]":
    """Return the drills of the project, or the shipped ones where it has none.

    Raises:
        UsageError: CHA010 a book is wrong, CHA016 there is no such drill.
    """
    from opsctl import assets
    from opsctl.chaos.load_drills import chosen, load_drills
    from opsctl.cli import wiring

    settings = wiring.settings()
    folder = settings.root / settings.project.books.drills
    return chosen(load_drills(folder if folder.is_dir() else assets.drills()), names=names, tags=tags)


def last_outcomes() -> "Mapping[str, Record]":
    """Return the newest evidence of each drill, by name."""
    from opsctl.chaos.evidence import EVIDENCE_KIND
    from opsctl.cli import wiring

    return {record.subject: record for record in wiring.ledger().records(kind=EVIDENCE_KIND)}


def outcomes_of(proofs: "Mapping[str, Record]") -> "dict[str, Outcome]":
    """Return what each drill came to when it was last held."""
    from opsctl.chaos.verdict import Outcome

    known = {str(each) for each in Outcome}
    return {
        name: Outcome(record.figures["outcome"])
        for name, record in proofs.items()
        if record.figures.get("outcome") in known
    }


def listed(drills: "Sequence[NamedDrill]", proofs: "Mapping[str, Record]") -> list[dict[str, Any]]:
    """Return drills as values for a document."""
    from opsctl.chaos.plan import forecast_minutes, least_seconds, most_seconds

    return [
        {
            "name": each.name,
            "title": each.drill.title,
            "tags": each.drill.tags,
            "catalogue": each.drill.catalogue,
            "faults": [part.fault for part in each.drill.parts],
            "least_seconds": least_seconds(each.drill),
            "most_seconds": most_seconds(each.drill),
            "forecast_minutes": forecast_minutes(each.drill),
            "last_verdict": proofs[each.name].verdict if each.name in proofs else None,
        }
        for each in drills
    ]


def budget_ledger() -> "BudgetLedger":
    """Return the ledger of what drills burned."""
    from opsctl.chaos.budget import BudgetLedger
    from opsctl.cli import wiring

    path = wiring.settings().home / "chaos" / "budget.jsonl"
    return BudgetLedger(path, clock=wiring.clock(), minutes_a_month=MINUTES_A_MONTH)


def run(drills: "Sequence[NamedDrill]", *, listener: "Listener") -> "Journal":
    """Hold drills one after the other on one ground, and keep each in the ledger as soon as it is over."""
    from opsctl.chaos.evidence import drill_evidence
    from opsctl.chaos.journal import Journal, entry_of, write_journal
    from opsctl.cli import wiring

    journal = Journal(run_id=f"{wiring.clock().now():%Y%m%dT%H%M%SZ}", entries=(), simulated=SIMULATED)
    with _theatre(listener) as theatre:
        for named in drills:
            with _prepared(theatre.ground, theatre.watchers, named.drill):
                report, verdict = theatre.hold(named)
            entries = (*journal.entries, entry_of(named, report=report, verdict=verdict))
            journal = Journal(run_id=journal.run_id, entries=entries, simulated=SIMULATED)
            write_journal(_runs() / f"{journal.run_id}.json", journal)
            wiring.record(
                drill_evidence(named, report=report, verdict=verdict, circumstances=theatre.circumstances)
            )
            if report.interrupted:
                break
    return journal


def show_teeth(names: Collection[str], *, listener: "Listener") -> "tuple[Bite, ...]":
    """Take protections away, one after the other, and hold the drill that must notice."""
    from opsctl.chaos.mutants import bite, plain_drill
    from opsctl.cli import wiring

    known = drills(())
    found: list[Bite] = []
    with _theatre(listener) as theatre:
        for mutant in chosen_mutants(names):
            named = plain_drill(mutant, known)
            books = theatre.ground.other_books(service=mutant.service, cache=mutant.cache)
            with books, _muted(theatre.watchers, mutant.muted):
                _, verdict = theatre.hold(named)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Theatre:
    """A ground with its watchers, on which drills are held."""

    ground: "ProvingGround"
    watchers: "LiveWatchers"
    listener: "Listener"

    @property
    def circumstances(self) -> "Circumstances":
        from opsctl.chaos.evidence import Circumstances

        return Circumstances(tools=_tools(self.watchers), simulated=SIMULATED)

    def hold(self, named: "NamedDrill") -> "tuple[DrillReport, DrillVerdict]":
        """Wait until it is calm, and hold a drill."""
        from opsctl.chaos.conduct import hold
        from opsctl.chaos.judge import judge
        from opsctl.chaos.watching import Pace
        from opsctl.cli import wiring

        _become_calm(self.watchers, named.drill, listener=self.listener)
        report = hold(
            named,
            world=_world(self.ground, self.watchers),
            clock=wiring.clock(),
            listener=self.listener,
            purse=budget_ledger(),
            pace=Pace(lease_seconds=_LEASE_SECONDS),
        )
        return report, judge(report, named.drill)


@contextmanager
def _theatre(listener: "Listener") -> "Iterator[_Theatre]":
    from opsctl.cli import proving_setup, watching, wiring

    clock = wiring.clock()
    books, rules = watching.load_rules()
    with proving_setup.proving_ground(
        wiring.settings(), clock=clock, listener=listener, is_for_drills=True
    ) as ground:
        proving_setup.tell_of_ground(listener, ground)
        watchers = proving_setup.watch(ground, books=books, rules=rules, clock=clock)
        clock.sleep(_SETTLE_SECONDS)
        yield _Theatre(ground=ground, watchers=watchers, listener=listener)


def _teeth_evidence(bites: "Sequence[Bite]") -> "Evidence":
    from opsctl.chaos.mutants import WANTED_SHARE, score
    from opsctl.cli import wiring
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


SIMULATED = ("readers", "scoring model")


def read_run(run_id: str | None) -> "Journal":
    """Return the journal of a run, the newest without a name.

    Raises:
        UsageError: CHA064 there is none.
    """
    from opsctl.chaos.journal import read_journal

    known = sorted(_runs().glob("*.json"))
    wanted = [path for path in known if run_id is None or path.stem == run_id]
    if not wanted:
        names = ", ".join(path.stem for path in known[-5:])
        raise UsageError(
            f"there is no run `{run_id}`" if run_id else "no drill was held yet",
            code="CHA064",
            fix=f"one of: {names}" if names else "hold some: opsctl chaos run --profile ci",
        )
    return read_journal(wanted[-1])


def document_of(journal: "Journal") -> Any:
    """Return a journal as values for a document."""
    import json

    from opsctl.chaos.journal import to_json

    return json.loads(to_json(journal))


def write_outputs(
    journal: "Journal", *, html: Path | None, junit: Path | None, markdown: Path | None
) -> None:
    """Write the files that were asked for."""
    from opsctl.chaos.junit import to_junit
    from opsctl.chaos.markdown import to_markdown
    from opsctl.clients.files import write_atomically
    from opsctl.ui.chaos_page import render_chaos_page

    for path, render in ((html, render_chaos_page), (junit, to_junit), (markdown, to_markdown)):
        if path is not None:
            write_atomically(path, render(journal))


def write_catalogue(path: Path) -> None:
    """Write the catalogue of faults with what was measured of each when its drill was last held, in whichever run."""
    from opsctl.chaos.catalogue import catalogue_table
    from opsctl.chaos.journal import read_journal
    from opsctl.clients.files import write_atomically

    newest = {
        entry.report.drill: entry
        for run in sorted(_runs().glob("*.json"))
        for entry in read_journal(run).entries
    }
    write_atomically(path, catalogue_table(tuple(newest.values())))


def _runs() -> Path:
    from opsctl.cli import wiring

    folder: Path = wiring.settings().home / "chaos" / "runs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _world(ground: "ProvingGround", watchers: "LiveWatchers") -> "GroundWorld":
    from opsctl.cli.chaos_world import GroundWorld

    return GroundWorld(ground, watchers=watchers, always=frozenset({"Watchdog"}))


def _become_calm(watchers: "LiveWatchers", drill: "Drill", *, listener: "Listener") -> None:
    """Wait until what the drill before raised is over, as far as this one would be taken in by it."""
    from opsctl.cli import wiring
    from opsctl.core.events import Noted

    clock = wiring.clock()
    until, has_said = clock.monotonic() + _CALM_SECONDS, False
    awaited = {alert.name for alert in drill.expect.alerts}
    while clock.monotonic() < until and awaited & set(watchers.active()):
        if not has_said:
            listener(Noted(subject="drills", message="waits until the alerts of the drill before are over"))
            has_said = True
        clock.sleep(_POLL_SECONDS)


@contextmanager
def _prepared(ground: "ProvingGround", watchers: "LiveWatchers", drill: "Drill") -> Iterator[None]:
    """Take away what a control drill is to be held without: the alert's way, or the protection."""
    from opsctl.chaos.book import Control

    match drill.control:
        case Control.MUTED:
            with _muted(watchers, [alert.name for alert in drill.expect.alerts]):
                yield
        case Control.BREAKER_OFF:
            off = {"breakers": False, "ladder": False, "retry_budget": False}
            with ground.other_books(service={"resilience": off}):
                yield
        case _:
            yield


@contextmanager
def _muted(watchers: "LiveWatchers", alerts: Sequence[str]) -> Iterator[None]:
    """Close the way of some alerts until the block ends."""
    silences = [
        watchers.alertmanager.silence(alert, seconds=_MUTED_SECONDS, by="opsctl chaos", why="a control drill")
        for alert in alerts
    ]
    try:
        yield
    finally:
        for silence in silences:
            watchers.alertmanager.end_silence(silence)


def _tools(watchers: "LiveWatchers") -> dict[str, str]:
    return {"prometheus": watchers.prometheus.version(), "alertmanager": watchers.alertmanager.version()}


def hold_ground(listener: "Listener") -> None:
    """Keep a ground until somebody ends this process."""
    from opsctl.cli import proving_setup, watching, wiring
    from opsctl.core.events import Noted

    clock = wiring.clock()
    books, rules = watching.load_rules()
    with proving_setup.proving_ground(
        wiring.settings(), clock=clock, listener=listener, is_for_drills=True
    ) as ground:
        proving_setup.tell_of_ground(listener, ground)
        proving_setup.watch(ground, books=books, rules=rules, clock=clock)
        ready = f"ready; in another terminal: opsctl chaos fault apply vectors_refused, opsctl --project {ground.root} status"
        listener(Noted(subject="proving ground", message=ready))
        while True:
            clock.sleep(_POLL_SECONDS)


def apply_by_hand(fault: str, parameters: Mapping[str, object], *, seconds: float) -> None:
    """Make a fault on the ground that another process holds.

    Raises:
        NotReadyError: CHA065 nobody holds one.
        UsageError: FLT000 there is no such fault.
    """
    from opsctl.chaos.registry import fault_named

    made, ground = fault_named(fault), _held_ground()
    ground.leases.take(fault, seconds=seconds)
    made.apply(ground, **parameters)


def undo_by_hand(fault: str) -> None:
    """Take a fault back on the ground that another process holds."""
    from opsctl.chaos.registry import fault_named

    made, ground = fault_named(fault), _held_ground()
    made.undo(ground)
    ground.leases.end(fault)


def _held_ground() -> "ProvingGround":
    from opsctl.cli import wiring
    from opsctl.cli.ground_helpers import WATCHDOG
    from opsctl.cli.proving_ground import ProvingGround
    from opsctl.core.errors import NotReadyError

    ground = ProvingGround(wiring.settings().home / "proving", clock=wiring.clock())
    if WATCHDOG not in ground.helpers.living():
        raise NotReadyError(
            "nobody holds a ground on which a fault could be made",
            code="CHA065",
            why="faults are never made on the project's own stack",
            fix="in another terminal: opsctl chaos ground",
        )
    return ground
