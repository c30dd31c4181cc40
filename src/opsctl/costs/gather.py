"""Where do the numbers come from: the plan, the books of the project, and the newest evidence that can be used."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from opsctl.costs.book import CostsBook
from opsctl.costs.inputs import Input, Inputs, Origin, Quantity, Source
from opsctl.costs.measured import MEASURE_KIND
from opsctl.evidence.model import Record, Verdict

LOAD_KIND, CAPACITY_KIND = "bench.load", "bench.capacity"
_PRODUCED = {
    LOAD_KIND: "opsctl bench load {load}",
    CAPACITY_KIND: "opsctl bench capacity {load}",
    MEASURE_KIND: "opsctl costs measure",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """For how long the books of the project keep things, at least (jitter taken off)."""

    feed_seconds: float
    score_seconds: float
    where: str


def gather(
    plan: CostsBook, *, lifetimes: Lifetimes, records: Iterable[Record], now: datetime, where: str
) -> Inputs:
    """Return every number with its origin; what no evidence holds has no value and says what measures it.

    Args:
        plan: the costs book.
        lifetimes: of the book of the caches.
        records: of the ledger, the newest first.
        now: decides what is stale.
        where: the costs book's place, as people know it.
    """
    newest = _newest(records, plan=plan, now=now)
    found = [
        *_of_plan(plan, where=where),
        _book(Quantity.FEED_FRESH, lifetimes.feed_seconds, where=lifetimes.where),
        _book(Quantity.SCORE_FRESH, lifetimes.score_seconds, where=lifetimes.where),
        *_of_evidence(plan, newest=newest, now=now),
    ]
    return Inputs({each.quantity: each for each in found})


def _newest(records: Iterable[Record], *, plan: CostsBook, now: datetime) -> dict[str, Record]:
    """Return the newest usable record by kind: loads and capacities of the plan's load, nothing that cannot tell.

    What says that it is of the future was recorded by a clock that is wrong, and would never grow old.
    """
    newest: dict[str, Record] = {}
    for record in records:
        if record.kind not in _PRODUCED or record.verdict is Verdict.INCONCLUSIVE:
            continue
        if record.is_of_the_future(now):
            continue
        if record.kind == MEASURE_KIND or record.subject == plan.load:
            newest.setdefault(record.kind, record)
    return newest


def _of_plan(plan: CostsBook, *, where: str) -> Iterator[Input]:
    readers, storage, scoring = plan.readers, plan.storage, plan.scoring
    values: dict[Quantity, Decimal | int] = {
        Quantity.USERS: readers.users,
        Quantity.FEEDS_A_USER: readers.feeds_a_month,
        Quantity.FEEDS_A_VISIT: readers.feeds_a_visit,
        Quantity.BUSIEST: readers.busiest_ratio,
        Quantity.PEAK_RATE: readers.peak_requests_a_second,
        Quantity.PEAK_HOURS: readers.peak_hours_a_day,
        Quantity.ITEMS: storage.items,
        Quantity.DIMENSION: storage.dimension,
        Quantity.MONTHS_KEPT: storage.months,
        Quantity.AGENTS: scoring.agents,
        Quantity.SCORED_A_MONTH: scoring.times_a_month,
        Quantity.ITEMS_A_CALL_AHEAD: scoring.items_a_call,
        Quantity.EMBEDDED_A_MONTH: plan.embedding.times_a_month,
        Quantity.HEADROOM: plan.headroom_ratio,
    }
    origin = Origin(source=Source.PLAN, where=where)
    for quantity, value in values.items():
        yield Input(quantity=quantity, value=Decimal(value), origin=origin)


def _book(quantity: Quantity, seconds: float, *, where: str) -> Input:
    return Input(
        quantity=quantity, value=Decimal(str(seconds)), origin=Origin(source=Source.BOOK, where=where)
    )


_MEASURED = (
    Quantity.SERVICE_CPU_HIT,
    Quantity.SERVICE_CPU_MADE,
    Quantity.VECTORS_CPU_MADE,
    Quantity.DATABASE_CPU_MADE,
    Quantity.SERVICE_MEMORY,
    Quantity.DATABASE_MEMORY,
    Quantity.SCORED_A_FEED,
    Quantity.ITEMS_A_CALL,
    Quantity.PROMPT_TOKENS,
    Quantity.ITEM_TOKENS,
    Quantity.SCORE_TOKENS,
    Quantity.ANSWER_BYTES,
    Quantity.DATABASE_BYTES_SENT,
    Quantity.ITEM_ROW_BYTES,
    Quantity.DECISION_BYTES,
    Quantity.VECTOR_DISK_BYTES,
    Quantity.LOG_BYTES_MADE,
    Quantity.SERIES,
    Quantity.EMBEDDING_CPU,
    Quantity.EMBEDDING_TOKENS,
)


def _of_evidence(plan: CostsBook, *, newest: Mapping[str, Record], now: datetime) -> Iterator[Input]:
    load, capacity, measured = (newest.get(kind) for kind in (LOAD_KIND, CAPACITY_KIND, MEASURE_KIND))
    # Not the hit ratio of whoever waits: a stale feed is answered at once and made anew behind the answer.
    hit = _number(load.figures.get("fresh_hit_ratio")) if load else None
    missed = None if hit is None or not 0 <= hit <= 1 else 1 - hit
    yield _measured(Quantity.MISS_AT_PEAK, missed, LOAD_KIND, load, plan=plan, now=now)
    rate = _worker_rate(capacity.figures) if capacity else None
    yield _measured(Quantity.WORKER_RATE, rate, CAPACITY_KIND, capacity, plan=plan, now=now)
    quantities = measured.figures.get("quantities") if measured else None
    for quantity in _MEASURED:
        value = _number(quantities.get(quantity.name.lower())) if isinstance(quantities, Mapping) else None
        yield _measured(quantity, value, MEASURE_KIND, measured, plan=plan, now=now)


def _measured(
    quantity: Quantity,
    value: Decimal | None,
    kind: str,
    record: Record | None,
    *,
    plan: CostsBook,
    now: datetime,
) -> Input:
    produce = _PRODUCED[kind].format(load=plan.load)
    if record is None:
        origin = Origin(source=Source.EVIDENCE, where=f"no {kind}", produce=produce)
        return Input(quantity=quantity, value=None, origin=origin)
    origin = Origin(
        source=Source.EVIDENCE,
        where=f"{kind} {record.id}",
        produce=produce,
        recorded_at=record.recorded_at,
        is_stale=record.is_stale(now),
        is_bad=record.verdict is Verdict.FAIL,
        simulated=record.simulated,
    )
    return Input(quantity=quantity, value=value, origin=origin)


def _worker_rate(figures: Mapping[str, Any]) -> Decimal | None:
    """Return the requests a second of one worker, where most were measured: contention is in it then.

    None where nothing passed there: what fewer workers held says nothing of so many.
    """
    rates: list[tuple[int, Decimal]] = []
    for name, figure in figures.items():
        words = name.split("_", 2)
        if len(words) == 3 and words[0] == "workers" and words[2] == "passed_requests_per_second":
            rate = _number(figure)
            if words[1].isdecimal() and int(words[1]) and rate is not None:
                rates.append((int(words[1]), rate / int(words[1])))
    return max(rates)[1] or None if rates else None


def _number(figure: Any) -> Decimal | None:
    """Return a figure as a decimal; None for what is no number from 0 up."""
    if isinstance(figure, bool) or not isinstance(figure, int | float):
        return None
    try:
        number = Decimal(str(figure))
    except InvalidOperation:
        return None
    return number if number.is_finite() and number >= 0 else None
