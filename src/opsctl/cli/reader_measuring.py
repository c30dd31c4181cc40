"""How are readers measured: the real ones of the database, and simulated ones in place of those that are not there yet."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opsctl.core.events import Listener
    from opsctl.experiments.readers.measures import Measure
    from opsctl.experiments.studies.arms import ArmSettings
    from opsctl.store.reader_answers import ReaderAnswers


def measure(*, users: int, worlds: int, asks_database: bool, listener: "Listener") -> "tuple[Measure, ...]":
    """Measure all three, and keep each in the ledger."""
    from opsctl.cli import wiring
    from opsctl.cli.experiments_planning import require_statistics
    from opsctl.evidence.model import digest_of
    from opsctl.experiments.readers.measures import measure_evidence
    from opsctl.experiments.studies.readers import measures_of, simulate_readers

    require_statistics()
    began_at, began = wiring.clock().now(), wiring.clock().monotonic()
    settings = _ranking()
    real = _real(listener) if asks_database else None
    found = simulate_readers(settings, users=users, seeds=range(1, worlds + 1), listener=listener)
    measures = tuple(_preferred(each, real) for each in measures_of(found))
    seconds = wiring.clock().monotonic() - began
    inputs = {"ranking": digest_of(settings.model_dump(mode="json"))}
    for each in measures:
        wiring.record(
            measure_evidence(
                each, inputs=inputs, started_at=began_at, seconds=seconds, asked_real=asks_database
            )
        )
    return measures


def document_of(measures: "Sequence[Measure]") -> list[dict[str, Any]]:
    """Return measures for a document."""
    from opsctl.experiments.readers.measures import DEFINITIONS

    return [
        {
            "name": str(each.subject),
            "value": each.value,
            "number": each.number,
            "simulated": list(each.simulated),
            "real_number": each.real_number,
            "definition": DEFINITIONS[each.subject],
            **each.figures,
        }
        for each in measures
    ]


def ranking_digest() -> str:
    """Return what changes when the ranking's settings do."""
    from opsctl.evidence.model import digest_of

    return digest_of(_ranking().model_dump(mode="json"))


def _ranking() -> "ArmSettings":
    """Return what the service's book says of the ranking, as the simulator knows it."""
    from opsctl.cli import wiring
    from opsctl.experiments.studies.arms import ArmSettings
    from opsctl.service.plan import load_service_book

    chosen = load_service_book(wiring.settings()).ranking
    return ArmSettings(
        agents=tuple(chosen.agents),
        custom_weights=chosen.custom_weights,
        exploration_share=chosen.exploration_share,
        diversity=chosen.diversity,
        propensity_floor=chosen.propensity_floor,
    )


def _real(listener: "Listener") -> "ReaderAnswers":
    from opsctl.cli import wiring
    from opsctl.clients.postgres import translated_errors
    from opsctl.store.reader_answers import read_reader_answers

    with wiring.backends(listener) as servers, translated_errors(servers.database_address()):
        return read_reader_answers(servers.database(), now=wiring.clock().now())


def _preferred(simulated: "Measure", real: "ReaderAnswers | None") -> "Measure":
    """Return what real readers say where there are enough of them, else the simulated figure with how many there are."""
    from opsctl.experiments.readers.measures import FEWEST, Subject

    if real is None:
        return simulated
    if simulated.subject is Subject.RELEVANCE:
        return simulated  # nobody has told what would have been relevant to a real reader
    number, value, beside = {
        Subject.NPS: (real.answers, real.nps, {}),
        Subject.RETENTION: (real.cohort, real.retention, {"on_the_day": real.retention_on_the_day}),
    }[simulated.subject]
    if number < FEWEST or value is None:
        return replace(simulated, real_number=number)
    return replace(simulated, value=value, number=number, real_number=number, simulated=(), figures=beside)
