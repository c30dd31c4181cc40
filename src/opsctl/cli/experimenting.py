"""With what do the verbs of `experiments` work: the books that lint accepts, and what was started of them?"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.cli.experiment_arms import event_problems, service_complaints

if TYPE_CHECKING:
    from opsctl.cli.backends import Backends
    from opsctl.core.findings import Finding
    from opsctl.experiments.load_experiments import LoadedExperiments, NamedExperiment
    from opsctl.experiments.registry import Started
    from opsctl.experiments.standing import Standing
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
    from opsctl.experiments.start_records import starts_of

    records = ledger_health.sound_records(kind="experiments")
    return starts_of(record for record in records if not record.simulated)


def all_starts() -> "dict[str, Started]":
    """Return what the ledger of this project knows to have been started, simulations included, by name."""
    from opsctl.cli import ledger_health
    from opsctl.experiments.start_records import starts_of

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
