"""With what do the verbs of `experiments` work: books, what was started of them, and what the service can be told."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opsctl.cli.backends import Backends
    from opsctl.core.findings import Finding
    from opsctl.experiments.book import Experiment
    from opsctl.experiments.load_experiments import LoadedExperiments, NamedExperiment
    from opsctl.experiments.problems import ChecksArms, Complaint, Problem
    from opsctl.experiments.registry import Started
    from opsctl.experiments.standing import Standing
    from opsctl.service.book import Ranking
    from opsctl.store.experiments import ExperimentRow


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedExperiments:
    """The books that can be read, and everything that is wrong with any."""

    experiments: "tuple[NamedExperiment, ...]"
    findings: "tuple[Finding, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standings:
    """How every experiment stands, and everything that does not fit."""

    standings: "tuple[Standing, ...]"
    findings: "tuple[Finding, ...]"

    @property
    def ok(self) -> bool:
        """Tell whether nothing is wrong."""
        from opsctl.core.findings import Severity

        return all(each.severity is not Severity.ERROR for each in self.findings)


def folder() -> Path:
    """Return where the experiments are: the project's, or the shipped ones where it has none."""
    from opsctl import assets
    from opsctl.cli import wiring
    from opsctl.config.load import is_missing

    settings = wiring.settings()
    own = settings.root / settings.project.books.experiments
    return assets.experiments() if is_missing(own) else own


def checked() -> CheckedExperiments:
    """Read and check all books, against what the ledger knows to have been started."""
    from opsctl.cli import wiring
    from opsctl.experiments.check_experiments import Checking, check_experiments
    from opsctl.experiments.check_simulation import simulation_problems
    from opsctl.experiments.sizes import size_problems
    from opsctl.service.plan import load_service_book

    found = loaded()
    ranking = load_service_book(wiring.settings()).ranking
    checking = Checking(
        arms=service_complaints(ranking),
        sizes=size_problems,
        simulations=simulation_problems,
        events=event_problems,
        starts=real_starts(),
    )
    findings = check_experiments(found.experiments, checking=checking)
    return CheckedExperiments(experiments=found.experiments, findings=(*found.findings, *findings))


def event_problems(experiment: "Experiment") -> "Iterator[Problem]":
    """Yield the metrics of a book of which the service writes no event."""
    from opsctl.experiments.check_events import unwritten_events
    from opsctl.experiments.simulator.events import EventName

    return unwritten_events(
        experiment, written=service_events(), simulated=[each.value for each in EventName]
    )


def service_events() -> tuple[str, ...]:
    """Return the events that the service writes by itself: kinds of interactions."""
    from typing import get_args

    from opsctl.service.cache.policy import InteractionKind

    return get_args(InteractionKind)


def loaded() -> "LoadedExperiments":
    """Read all books, without a look at what they say together; files are named as in the project's folder."""
    from dataclasses import replace

    from opsctl.experiments.load_experiments import LoadedExperiments, read_experiments

    found = read_experiments(folder())
    return LoadedExperiments(
        experiments=tuple(replace(each, file=_named(Path(each.file))) for each in found.experiments),
        findings=tuple(_relative(found.findings)),
    )


def chosen(names: Collection[str]) -> "tuple[NamedExperiment, ...]":
    """Return the experiments of these names, or all; books that cannot be read matter only where they were asked for.

    Raises:
        UsageError: EXP001 a book that was asked for cannot be read, EXP003 there is no such experiment.
    """
    from opsctl.experiments.load_experiments import chosen as choose
    from opsctl.experiments.load_experiments import require_right

    found = loaded()
    wrong = [
        each
        for each in found.findings
        if not names or each.location is None or Path(each.location.file).stem in names
    ]
    require_right(wrong, what=f"`{_named(folder())}`")
    return choose(found.experiments, names)


def real_starts() -> "dict[str, Started]":
    """Return what the ledger of this project knows to have been started for readers, by name.

    A simulation under the same name, before or after, is another thing.
    """
    from opsctl.cli import ledger_health
    from opsctl.experiments.registry import starts_of

    records = ledger_health.sound_records(kind="experiments")
    return starts_of(record for record in records if not record.simulated)


def all_starts() -> "dict[str, Started]":
    """Return what the ledger of this project knows to have been started, simulations included, by name."""
    from opsctl.cli import ledger_health
    from opsctl.experiments.registry import starts_of

    return starts_of(ledger_health.sound_records(kind="experiments"))


def standings(servers: "Backends") -> Standings:
    """Return how every experiment of the books and of the database stands."""
    from opsctl.cli import ledger_health, wiring
    from opsctl.clients.postgres import translated_errors
    from opsctl.experiments.peeks import PEEK_KIND, peeks_of
    from opsctl.experiments.standing import Seen
    from opsctl.experiments.standing import standings as stand
    from opsctl.store.experiments import read_experiments, units_by_arm

    books, looks = loaded(), ledger_health.sound_records(kind=PEEK_KIND)
    with translated_errors(servers.database_address()):
        connection = servers.database()
        started, unread = _readable(read_experiments(connection))
        units = {each.name: units_by_arm(connection, each.name) for each in started}
    seen = {
        each.name: Seen(
            units={arm: those.units for arm, those in units[each.name].items()},
            peeks=peeks_of(looks, name=each.name, digest=each.digest, is_simulated=False),
        )
        for each in started
    }
    found = stand(books.experiments, started=started, seen=seen, now=wiring.clock().now())
    findings = (*books.findings, *unread, *(finding for each in found for finding in each.findings))
    return Standings(standings=found, findings=findings)


def _readable(rows: "Sequence[ExperimentRow]") -> "tuple[list[Started], list[Finding]]":
    """Return what this version of opsctl can read of the database, and a finding for each that it cannot."""
    from dataclasses import replace

    from opsctl.core.errors import UsageError
    from opsctl.core.findings import Severity
    from opsctl.experiments.registry import started_of

    found: list[Started] = []
    findings: list[Finding] = []
    for row in rows:
        try:
            found.append(started_of(row))
        except UsageError as error:
            severity = Severity.ERROR if row.ended_at is None else Severity.WARNING
            findings.append(replace(error.as_finding(), severity=severity))
    return found, findings


def service_complaints(ranking: "Ranking", *, strictly: bool = False) -> "ChecksArms":
    """Return what says which settings of arms the service cannot hold.

    An experiment that is simulated may have settings that only the simulator knows, which looks at them itself; before a
    start nothing is let pass.
    """
    from opsctl.service.feed.treatments import SETTINGS

    def complaints(experiment: "Experiment", arm: str) -> "Iterator[Complaint]":
        unknown = [key for key in experiment.arms[arm].settings if key not in SETTINGS]
        if strictly or experiment.simulation is None:
            yield from map(_unknown_setting, unknown)
        if not unknown or not strictly:
            yield from _misfits(experiment, arm, ranking)

    return complaints


def _unknown_setting(key: str) -> "Complaint":
    import difflib

    from opsctl.experiments.problems import Complaint
    from opsctl.service.feed.treatments import SETTINGS

    close = difflib.get_close_matches(key, SETTINGS, n=1)
    return Complaint(
        key=key,
        message=f"the service cannot be told `{key}` for a reader",
        fix=f"did you mean `{close[0]}`?" if close else f"an arm may set: {', '.join(sorted(SETTINGS))}",
    )


def _misfits(experiment: "Experiment", arm: str, ranking: "Ranking") -> "Iterator[Complaint]":
    from opsctl.experiments.problems import Complaint
    from opsctl.service.feed.treatments import SETTINGS, check_settings

    wanted = {key: value for key, value in experiment.arms[arm].settings.items() if key in SETTINGS}
    try:
        check_settings(ranking, wanted, is_isolated=experiment.isolated_learners)
    except ValueError as error:
        message = str(error)
        key = next((each for each in wanted if f"`{each}`" in message or message.startswith(each)), None)
        yield Complaint(key=key, message=message)


def _relative(findings: "Collection[Finding]") -> "Iterator[Finding]":
    """Name files as somebody in the project's folder would."""
    from dataclasses import replace

    for each in findings:
        if each.location is None:
            yield each
        else:
            yield replace(each, location=replace(each.location, file=_named(Path(each.location.file))))


def _named(path: Path) -> str:
    from opsctl.cli import wiring

    root = wiring.settings().root
    return str(path.relative_to(root) if path.is_relative_to(root) else path)
