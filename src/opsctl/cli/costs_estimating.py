"""With what does `costs estimate` work: the books, the ledger, and where the outcome goes."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.core.errors import UsageError
from opsctl.core.exit_codes import ExitCode

if TYPE_CHECKING:
    from opsctl.costs.book import CostsBook
    from opsctl.costs.gather import Lifetimes
    from opsctl.costs.inputs import Inputs
    from opsctl.costs.model import Estimate
    from opsctl.costs.prices import PricesBook


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the user asked for."""

    choices: tuple[str, ...] = ()
    junit: Path | None = None
    markdown: Path | None = None


def run(asked: Asked, *, whole: bool, json: bool) -> ExitCode:
    """Estimate, record, show, and return the exit code."""
    from opsctl.cli import ledger_health, wiring
    from opsctl.cli.bench_runs import exit_code
    from opsctl.cli.document import document
    from opsctl.cli.report_files import require_places
    from opsctl.costs.evidence import document_of, estimate_evidence
    from opsctl.evidence.model import Verdict
    from opsctl.ui.console import print_document
    from opsctl.ui.show_costs import show_estimate

    require_places(asked.junit, asked.markdown)
    ledger_health.require_whole()
    clock = wiring.clock()
    started_at, began = clock.now(), clock.monotonic()
    made = estimated(asked.choices)
    if not asked.choices:  # what is only tried is no evidence of what is planned
        seconds = clock.monotonic() - began
        wiring.record(estimate_evidence(made, inputs=_digests(made), started_at=started_at, seconds=seconds))
    _write(asked, made)
    if json:
        print_document(
            document("opsctl.costs.estimate", data=document_of(made), ok=made.verdict is Verdict.PASS)
        )
    else:
        show_estimate(made, now=started_at, whole=whole)
    return exit_code(made.verdict)


def estimated(choices: tuple[str, ...] = ()) -> "Estimate":
    """Return the estimate of the project's plan, with other providers where some were chosen."""
    from opsctl.cli import wiring
    from opsctl.costs.doubts import require_past
    from opsctl.costs.estimate import estimate

    prices, today = prices_book(), wiring.clock().now().date()
    require_past(prices, today=today)
    plan = _with(costs_book(), choices)
    return estimate(plan, prices=prices, inputs=inputs_of(plan), today=today)


def prices_book() -> "PricesBook":
    """Return the price book of the project.

    Raises:
        UsageError: it is wrong, or not there.
    """
    from opsctl.cli import wiring
    from opsctl.config.load import load_book
    from opsctl.costs.prices import PricesBook

    settings = wiring.settings()
    return load_book(settings.root / settings.project.books.prices, PricesBook)


def costs_book() -> "CostsBook":
    """Return the plan of the project; its defaults where there is no file."""
    from opsctl.cli import wiring
    from opsctl.config.load import is_missing, load_book
    from opsctl.costs.book import CostsBook

    settings = wiring.settings()
    path = settings.root / settings.project.books.costs
    return CostsBook() if is_missing(path) else load_book(path, CostsBook)


def inputs_of(plan: "CostsBook") -> "Inputs":
    """Return every number of the project with its origin."""
    from opsctl.cli import wiring
    from opsctl.costs.gather import gather

    settings = wiring.settings()
    return gather(
        plan,
        lifetimes=_lifetimes(),
        records=wiring.ledger().records(),
        now=wiring.clock().now(),
        where=settings.project.books.costs,
    )


def _lifetimes() -> "Lifetimes":
    from opsctl.cli import wiring
    from opsctl.costs.gather import Lifetimes

    book = wiring.cache_book()
    feed, score = book.l1.feed, book.l2.agent_score
    return Lifetimes(
        feed_seconds=feed.fresh_seconds * (1 - feed.jitter) if book.l1.enabled else 0.0,
        score_seconds=score.fresh_seconds * (1 - score.jitter) if book.l2.enabled else 0.0,
        where=wiring.settings().project.books.cache,
    )


def _with(plan: "CostsBook", choices: tuple[str, ...]) -> "CostsBook":
    """Return the plan with other providers: `model=haiku_4_5`.

    Raises:
        UsageError: CST003 it is no choice of a provider for a part.
    """
    from opsctl.costs.prices import Part

    chosen: dict[str, str] = {}
    for choice in choices:
        part, equals, name = choice.partition("=")
        if not equals or not name or part not in set(Part):
            raise UsageError(
                f"`{choice}` chooses no provider",
                code="CST003",
                why=f"the parts are {', '.join(Part)}",
                fix="write it as --with model=haiku_4_5",
            )
        chosen[part] = name
    return plan.model_copy(update={"providers": plan.providers.model_copy(update=chosen)})


def _digests(made: "Estimate") -> dict[str, str]:
    """Return what the estimate rests on: both books, and the ids of the records."""
    from opsctl.cli import wiring
    from opsctl.costs.inputs import Source
    from opsctl.evidence.model import digest_of

    records = {
        each.origin.where.rpartition(" ")[0]: digest_of(each.origin.where)
        for each in made.inputs.by_quantity.values()
        if each.origin.source is Source.EVIDENCE and each.origin.recorded_at is not None
    }
    return {
        "prices": digest_of(prices_book().model_dump(mode="json")),
        "costs": digest_of(costs_book().model_dump(mode="json")),
        "cache": digest_of(wiring.cache_book().model_dump(mode="json")),
        **records,
    }


def _write(asked: Asked, made: "Estimate") -> None:
    from opsctl.cli.report_files import write_reports
    from opsctl.costs.junit import to_junit
    from opsctl.ui.costs_markdown import in_page, to_markdown

    junit, markdown = asked.junit, asked.markdown
    write_reports(
        (junit, lambda: to_junit(made)),
        (markdown, lambda: in_page(markdown or Path(), to_markdown(made))),
    )
