"""What does each part use in a month at a load: from rates, caches and what one feed was measured to need."""

from collections.abc import Callable, Mapping
from decimal import Decimal

from opsctl.costs.bill import Size, Usage, whole
from opsctl.costs.book import OWN, CostsBook
from opsctl.costs.hits import miss_ratio
from opsctl.costs.inputs import Quantity
from opsctl.costs.load import Load, Stretch
from opsctl.costs.prices import Part, Provider
from opsctl.costs.units import GB, GIB, MONTH_SECONDS, Meter

_ONE, _NOTHING = Decimal(1), Decimal(0)
_MILLISECONDS = Decimal(1000)
_VECTOR_OVERHEAD = Decimal("1.5")
"""Memory of vectors over their raw size, by Qdrant's own formula: count * dimension * 4 bytes * 1.5."""
_FLOAT_BYTES = Decimal(4)


def usage_of(part: Part, *, load: Load, plan: CostsBook, provider: Provider | None) -> Usage:
    """Return what a part uses; nothing of its own where it has no provider, being filled by the service's process.

    Raises:
        UnknownInputsError: what it depends on was not measured.
    """
    return Usage() if provider is None else _USES[part](load, plan, provider)


def _edge(load: Load, _plan: CostsBook, _provider: Provider) -> Usage:
    cpu, answer = load.inputs.need(Quantity.SERVICE_CPU_HIT, Quantity.ANSWER_BYTES)
    return Usage(
        meters={
            Meter.REQUESTS: load.asked,
            Meter.CPU_MILLISECONDS: load.asked * cpu * _MILLISECONDS,
            Meter.SENT_GB: load.asked * answer / GB,
        }
    )


def _service(load: Load, plan: CostsBook, _provider: Provider) -> Usage:
    memory, answer = load.inputs.need(Quantity.SERVICE_MEMORY, Quantity.ANSWER_BYTES)
    passing = load.asked if plan.providers.edge == OWN else load.made
    return _computing(
        load,
        cores=[_service_cores(each, load=load, plan=plan) for each in load.stretches],
        memory_gib_a_core=memory / GIB,
        meters={Meter.SENT_GB: passing * answer / GB},
    )


def workers_of(load: Load, plan: CostsBook) -> int:
    """Return how many workers the busiest stretch needs, a core each."""
    return max(1, *(whole(_service_cores(each, load=load, plan=plan)) for each in load.stretches))


def _service_cores(stretch: Stretch, *, load: Load, plan: CostsBook) -> Decimal:
    """Return the cores of the service with headroom: for feeds that are made, and for all answers where it is the edge."""
    made, headroom = load.inputs.need(Quantity.SERVICE_CPU_MADE, Quantity.HEADROOM)
    cores = stretch.busiest * stretch.missed * made
    if plan.providers.edge == OWN:
        cores += stretch.busiest / load.inputs.one(Quantity.WORKER_RATE)
    if plan.providers.embedding == OWN:
        items, times, cpu = load.inputs.need(
            Quantity.ITEMS, Quantity.EMBEDDED_A_MONTH, Quantity.EMBEDDING_CPU
        )
        cores += items * times * cpu / MONTH_SECONDS
    return cores / (1 - headroom)


def _vectors(load: Load, _plan: CostsBook, _provider: Provider) -> Usage:
    cpu, headroom, items, dimension, disk = load.inputs.need(
        Quantity.VECTORS_CPU_MADE,
        Quantity.HEADROOM,
        Quantity.ITEMS,
        Quantity.DIMENSION,
        Quantity.VECTOR_DISK_BYTES,
    )
    raw = items * dimension * _FLOAT_BYTES
    # Measured with other vectors, perhaps; what is on disk beside them is taken as measured.
    return _computing(
        load,
        cores=[each.busiest * each.missed * cpu / (1 - headroom) for each in load.stretches],
        memory_gib=raw * _VECTOR_OVERHEAD / GIB,
        disk_gb=max(raw, items * disk) / GB,
    )


def _database(load: Load, _plan: CostsBook, _provider: Provider) -> Usage:
    cpu, headroom, memory, items, row, decision, months, sent = load.inputs.need(
        Quantity.DATABASE_CPU_MADE,
        Quantity.HEADROOM,
        Quantity.DATABASE_MEMORY,
        Quantity.ITEMS,
        Quantity.ITEM_ROW_BYTES,
        Quantity.DECISION_BYTES,
        Quantity.MONTHS_KEPT,
        Quantity.DATABASE_BYTES_SENT,
    )
    return _computing(
        load,
        cores=[each.busiest * each.missed * cpu / (1 - headroom) for each in load.stretches],
        memory_gib=memory / GIB,
        disk_gb=(items * row + load.made * months * decision) / GB,
        meters={Meter.SENT_GB: load.made * sent / GB},
    )


def _model(load: Load, plan: CostsBook, provider: Provider) -> Usage:
    if plan.scoring.when == "ahead":
        calls, scored, price = _ahead(load, provider=provider)
    else:
        calls, scored = _as_asked(load)
        price = _ONE
    prompt, item, output = load.inputs.need(
        Quantity.PROMPT_TOKENS, Quantity.ITEM_TOKENS, Quantity.SCORE_TOKENS
    )
    prefix = calls * prompt * (_prefix_price(prompt, provider=provider) if load.practice.caches else _ONE)
    return Usage(
        meters={
            # What is cheaper by a part counts as fewer tokens by that part: the same dollars, exactly.
            Meter.INPUT_TOKENS: (prefix + scored * item) * price,
            Meter.OUTPUT_TOKENS: scored * output * price,
        }
    )


def _ahead(load: Load, *, provider: Provider) -> tuple[Decimal, Decimal, Decimal]:
    """Return calls, items scored, and the part of the price: the whole catalogue, in batches, without hurry."""
    items, times, agents, batch = load.inputs.need(
        Quantity.ITEMS, Quantity.SCORED_A_MONTH, Quantity.AGENTS, Quantity.ITEMS_A_CALL_AHEAD
    )
    scored = items * times * agents
    if not load.practice.batches:
        return scored, scored, _ONE
    return scored / batch, scored, provider.asynchronous_ratio or _ONE


def _as_asked(load: Load) -> tuple[Decimal, Decimal]:
    """Return calls and items scored: those of the feeds that are made, and that L2 has no fresh score of.

    A call holds what one feed asks for at most. Feeds that are made in the same moment share calls, which saves a little
    more; it is not counted on.
    """
    a_feed, agents, items, fresh, batch = load.inputs.need(
        Quantity.SCORED_A_FEED,
        Quantity.AGENTS,
        Quantity.ITEMS,
        Quantity.SCORE_FRESH,
        Quantity.ITEMS_A_CALL,
    )
    calls = scored = _NOTHING
    for each in load.stretches:
        wanted = a_feed
        if load.practice.caches:
            asked = each.rate * each.missed * a_feed / items
            wanted *= miss_ratio(asked_a_second=asked, fresh_seconds=fresh)
        together = max(_ONE, min(batch, wanted)) if load.practice.batches else _ONE
        scored += each.made * wanted * agents
        calls += each.made * wanted * agents / together
    return calls, scored


def _prefix_price(prompt: Decimal, *, provider: Provider) -> Decimal:
    """Return the part of the price of the prompt's tokens; all of it for a prompt that is too short to be cached."""
    if provider.cached_prefix_ratio is None or provider.cached_prefix_tokens is None:
        return _ONE
    return provider.cached_prefix_ratio if prompt >= provider.cached_prefix_tokens else _ONE


def _embedding(load: Load, _plan: CostsBook, _provider: Provider) -> Usage:
    items, times, tokens = load.inputs.need(
        Quantity.ITEMS, Quantity.EMBEDDED_A_MONTH, Quantity.EMBEDDING_TOKENS
    )
    return Usage(meters={Meter.INPUT_TOKENS: items * times * tokens})


def _observability(load: Load, plan: CostsBook, _provider: Provider) -> Usage:
    series, made = load.inputs.need(Quantity.SERIES, Quantity.LOG_BYTES_MADE)
    return Usage(
        meters={
            Meter.SERIES: series * workers_of(load, plan),
            Meter.LOGGED_GB: load.made * made / GB,
        }
    )


def _computing(
    load: Load,
    *,
    cores: list[Decimal],
    memory_gib: Decimal = _NOTHING,
    memory_gib_a_core: Decimal = _NOTHING,
    disk_gb: Decimal = _NOTHING,
    meters: dict[Meter, Decimal] | None = None,
) -> Usage:
    """Return what runs: whole cores for as long as each stretch lasts, and the size for its busiest one.

    Args:
        load: whose stretches they are.
        cores: of each stretch, headroom included.
        memory_gib: however many cores there are.
        memory_gib_a_core: on top, for each whole core.
        disk_gb: stored.
        meters: what else is used.
    """
    whole_cores = [Decimal(max(1, whole(each))) for each in cores]
    seconds = [each.seconds for each in load.stretches]
    vcpu_seconds = sum((count * time for count, time in zip(whole_cores, seconds, strict=True)), _NOTHING)
    most = max(whole_cores)
    return Usage(
        meters={
            Meter.VCPU_SECONDS: vcpu_seconds,
            Meter.GIB_SECONDS: memory_gib * sum(seconds, _NOTHING) + memory_gib_a_core * vcpu_seconds,
            Meter.STORED_GB: disk_gb,
            **(meters or {}),
        },
        size=Size(cores=max(cores), memory_gib=memory_gib + memory_gib_a_core * most, disk_gb=disk_gb),
    )


_USES: Mapping[Part, Callable[[Load, CostsBook, Provider], Usage]] = {
    Part.EDGE: _edge,
    Part.SERVICE: _service,
    Part.VECTORS: _vectors,
    Part.DATABASE: _database,
    Part.MODEL: _model,
    Part.EMBEDDING: _embedding,
    Part.OBSERVABILITY: _observability,
}
