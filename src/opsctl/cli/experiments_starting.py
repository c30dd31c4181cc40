"""How is an experiment started, ramped up and stopped: in the database and the ledger, both or neither."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

    from opsctl.cli.backends import Backends
    from opsctl.experiments.load_experiments import NamedExperiment
    from opsctl.experiments.registry import Started

_CONSEQUENCES = {
    "start": "readers are assigned within seconds, and nothing of the book can change afterwards",
    "ramp": "more readers are assigned within seconds, and a ramp never falls",
    "stop": "its readers get what everybody gets, and it is not started again under this name",
}


def require_confirmed(verb: str, name: str, *, confirm: str | None, dry_run: bool) -> None:
    """Refuse what cannot be taken back without the experiment's name; a dry run changes nothing.

    Raises:
        RefusedError: EXP024.
    """
    from opsctl.experiments.starting import require_confirmed as require

    if not dry_run:
        require(name, confirm=confirm, verb=verb, consequence=_CONSEQUENCES[verb])


def startable(name: str) -> "NamedExperiment":
    """Return an experiment whose book has no error, whose arms the service can hold, and that can be expected to answer.

    Raises:
        UsageError: EXP001 the book has errors, EXP003 there is none.
        RefusedError: EXP093 there are too few units.
    """
    from opsctl.cli import experiment_arms, experimenting, wiring
    from opsctl.cli.experiments_planning import require_statistics
    from opsctl.experiments.check_experiments import Checking, check_experiments
    from opsctl.experiments.sizes import size_problems
    from opsctl.experiments.starting import require_hopeful
    from opsctl.service.plan import load_service_book

    require_statistics()
    (named,) = experimenting.chosen([name])
    ranking = load_service_book(wiring.settings()).ranking
    arms = experiment_arms.service_complaints(ranking, strictly=True)
    findings = check_experiments([named], checking=Checking(arms=arms, sizes=size_problems))
    require_hopeful(named, findings)
    return named


def unwritten(servers: "Backends", named: "NamedExperiment") -> "dict[str, list[str]]":
    """Return by metric the events that neither the service writes nor anybody has ever written into the database."""
    from opsctl.cli import experiment_arms
    from opsctl.clients.postgres import translated_errors
    from opsctl.experiments.check_events import unwritten as unwritten_of
    from opsctl.store.experiments import written_metrics

    missing = unwritten_of(named.experiment, written=experiment_arms.service_events())
    if not missing:
        return {}
    with translated_errors(servers.database_address()):
        names = {event for events in missing.values() for event in events}
        others = written_metrics(servers.database(), names)
    known = [*experiment_arms.service_events(), *others]
    return {name: list(events) for name, events in unwritten_of(named.experiment, written=known).items()}


def start(servers: "Backends", named: "NamedExperiment", *, dry_run: bool) -> "Started":
    """Start an experiment, or say what would be started; whoever does the same at this moment waits, and is refused.

    Raises:
        UsageError: EXP020 it runs, and its book was changed since.
        RefusedError: EXP021 it was started before, EXP026 a running one has its units.
    """
    from opsctl.cli import wiring
    from opsctl.clients.postgres import translated_errors
    from opsctl.experiments.registry import spec_of, start_now, started_of
    from opsctl.experiments.start_records import start_evidence
    from opsctl.experiments.starting import require_startable
    from opsctl.store.experiments import lock_starts, start_experiment

    connection = servers.database()
    with translated_errors(servers.database_address()), connection.transaction():
        lock_starts(connection)
        require_startable(named, started=_started(connection, named.name))
        if dry_run:
            return start_now(named.experiment, name=named.name, at=wiring.clock().now())
        row = start_experiment(
            connection,
            name=named.name,
            spec=spec_of(named.experiment),
            digest=named.digest,
            ramp=named.experiment.ramp,
        )
        if row is None:
            raise AssertionError("nobody else starts one while we hold the lock")
        started = started_of(row)
        wiring.record(start_evidence(started))  # within the transaction: no start without its proof
    return started


def ramp(servers: "Backends", name: str, *, share: float, dry_run: bool) -> "Started":
    """Let more units into a running experiment.

    Raises:
        UsageError: EXP022 it does not run, EXP023 the ramp would not rise.
    """
    from opsctl.cli import wiring
    from opsctl.clients.postgres import translated_errors
    from opsctl.experiments.registry import started_of
    from opsctl.experiments.start_records import ramp_evidence
    from opsctl.experiments.starting import require_rising, running_start
    from opsctl.store.experiments import lock_starts, raise_ramp

    connection = servers.database()
    with translated_errors(servers.database_address()), connection.transaction():
        lock_starts(connection)
        before = running_start(_started(connection, name), name)
        require_rising(before, share)
        if dry_run:
            return before
        row = raise_ramp(connection, name, ramp=share)
        if row is None:
            raise AssertionError("nobody else ends or ramps one while we hold the lock")
        after = started_of(row)
        wiring.record(ramp_evidence(after, before=before.experiment.ramp, at=wiring.clock().now()))
    return after


def stop(servers: "Backends", name: str, *, why: str, dry_run: bool) -> "Started":
    """End a running experiment for everybody.

    Raises:
        UsageError: EXP022 it does not run.
    """
    from opsctl.cli import wiring
    from opsctl.clients.postgres import translated_errors
    from opsctl.experiments.registry import started_of
    from opsctl.experiments.start_records import stop_evidence
    from opsctl.experiments.starting import running_start
    from opsctl.store.experiments import end_experiment, lock_starts

    connection = servers.database()
    with translated_errors(servers.database_address()), connection.transaction():
        lock_starts(connection)
        before = running_start(_started(connection, name), name)
        if dry_run:
            return before
        row = end_experiment(connection, name)
        if row is None:
            raise AssertionError("nobody else ends one while we hold the lock")
        ended = started_of(row)
        wiring.record(stop_evidence(ended, at=wiring.clock().now(), why=why))
    return ended


def _started(connection: "psycopg.Connection[Any]", name: str) -> "list[Started]":
    """Return what was started; what another version has started and ended matters only where it is the one that is meant.

    Raises:
        UsageError: EXP031 this version cannot read the experiment of this name, or one that runs.
    """
    from opsctl.core.errors import UsageError
    from opsctl.experiments.registry import started_of
    from opsctl.store.experiments import read_experiments

    found = []
    for row in read_experiments(connection):
        try:
            found.append(started_of(row))
        except UsageError:
            if row.ended_at is None or row.name == name:
                raise
    return found
