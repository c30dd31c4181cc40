"""How does `costs measure` go: a ground, five arms, one record."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from opsctl.core.exit_codes import ExitCode

if TYPE_CHECKING:
    from opsctl.costs.measured import Measurement


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureAsked:
    """What the user asked for."""

    feeds: int
    readers: int


def run(asked: MeasureAsked, *, json: bool) -> ExitCode:
    """Measure, record, show, and return the exit code."""
    from opsctl.cli.bench_runs import exit_code
    from opsctl.cli.document import document
    from opsctl.costs.measured import measure_figures
    from opsctl.evidence.model import Verdict
    from opsctl.ui.console import print_document
    from opsctl.ui.show_cost_measurement import show_measurement

    measured = measure(asked)
    if json:
        is_good = measured.verdict is Verdict.PASS
        print_document(document("opsctl.costs.measure", data=measure_figures(measured), ok=is_good))
    else:
        show_measurement(measured)
    return exit_code(measured.verdict)


def measure(asked: MeasureAsked) -> "Measurement":
    """Measure on a ground of its own, and record it."""
    from opsctl.cli import wiring
    from opsctl.cli.costs_estimating import costs_book
    from opsctl.cli.costs_ground import SIMULATED, measuring_ground
    from opsctl.cli.ending import ends_as_by_ctrl_c
    from opsctl.costs import measure as measuring
    from opsctl.costs.measured import measure_evidence
    from opsctl.ui.progress import progress

    plan = measuring.MeasurePlan(feeds=asked.feeds, readers=asked.readers)
    items_a_feed, started_at = costs_book().readers.items_a_feed, wiring.clock().now()
    with (
        ends_as_by_ctrl_c(),
        progress() as listener,
        measuring_ground(readers=asked.readers, items_a_feed=items_a_feed, listener=listener) as ground,
    ):
        measured = measuring.measure(plan, ground=ground, clock=wiring.clock(), listener=listener)
    wiring.record(
        measure_evidence(
            measured,
            subject=plan.subject,
            inputs=_digests(asked, items_a_feed),
            simulated=SIMULATED,
            started_at=started_at,
        )
    )
    return measured


def _digests(asked: MeasureAsked, items_a_feed: int) -> dict[str, str]:
    from dataclasses import asdict

    from opsctl.cli import wiring
    from opsctl.evidence.model import digest_of
    from opsctl.service.plan import load_cache_book, load_service_book

    settings = wiring.settings()
    return {
        "service": digest_of(load_service_book(settings).model_dump(mode="json")),
        "cache": digest_of(load_cache_book(settings).model_dump(mode="json")),
        "plan": digest_of({**asdict(asked), "items_a_feed": items_a_feed}),
        "embedding": digest_of(settings.project.embedding.model_dump(mode="json")),
    }
