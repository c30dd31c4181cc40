"""Prices, plans and numbers that tests of costs share: round ones, so that a person can work them out."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from opsctl.costs.book import CostsBook
from opsctl.costs.inputs import Input, Inputs, Origin, Quantity, Source
from opsctl.costs.prices import Price, PricesBook, Provider

READ_ON = date(2026, 11, 1)
TODAY = date(2026, 11, 29)
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def price(value: str, unit: str, **more: Any) -> Price:
    """Return a price of the tests."""
    whole = {"source": "an example", "retrieved": READ_ON, "verified": True} | more
    return Price.model_validate({"value": value, "unit": unit, **whole})


def provider(*parts: str, credit: str = "0", prices: Mapping[str, Price], **more: Any) -> Provider:
    """Return a provider of the tests."""
    return Provider.model_validate(
        {"title": "Somebody", "parts": list(parts), "credit": credit, "prices": dict(prices), **more}
    )


EDGE = provider(
    "edge",
    prices={
        "plan": price("5", "per month"),
        "requests": price("0.30", "per million requests", included="10000000"),
        "cpu": price("0.02", "per million CPU-ms", included="30000000"),
    },
)
MACHINES = provider(
    "service",
    "vectors",
    "database",
    prices={
        "small": price("10", "per instance-month", vcpu="1", memory_gib="2"),
        "large": price("18", "per instance-month", vcpu="2", memory_gib="4"),
        "sent": price("0.02", "per GB sent"),
    },
)
MODEL = provider(
    "model",
    "embedding",
    asynchronous_ratio="0.5",
    cached_prefix_ratio="0.1",
    cached_prefix_tokens=1024,
    prices={
        "input": price("1", "per million input tokens"),
        "output": price("5", "per million output tokens"),
    },
)
WATCHER = provider(
    "observability",
    prices={
        "series": price("6.5", "per thousand series-months", included="10000"),
        "logs": price("0.5", "per GB of logs", included="50"),
    },
)
PRICES = PricesBook(providers={"edge": EDGE, "machines": MACHINES, "model": MODEL, "watcher": WATCHER})
PLAN = CostsBook.model_validate(
    {
        "providers": {
            "edge": "edge",
            "service": "machines",
            "vectors": "machines",
            "database": "machines",
            "model": "model",
            "embedding": "own",
            "observability": "watcher",
        }
    }
)

NUMBERS: dict[Quantity, str] = {
    Quantity.USERS: "10000",
    Quantity.FEEDS_A_USER: "30",
    Quantity.FEEDS_A_VISIT: "1",
    Quantity.BUSIEST: "10",
    Quantity.PEAK_RATE: "10000",
    Quantity.PEAK_HOURS: "1",
    Quantity.ITEMS: "50000",
    Quantity.DIMENSION: "384",
    Quantity.MONTHS_KEPT: "3",
    Quantity.AGENTS: "1",
    Quantity.SCORED_A_MONTH: "1",
    Quantity.ITEMS_A_CALL_AHEAD: "10",
    Quantity.EMBEDDED_A_MONTH: "1",
    Quantity.HEADROOM: "0.3",
    Quantity.FEED_FRESH: "300",
    Quantity.SCORE_FRESH: "3600",
    Quantity.MISS_AT_PEAK: "0.01",
    Quantity.WORKER_RATE: "5000",
    Quantity.SERVICE_CPU_HIT: "0.0002",
    Quantity.SERVICE_CPU_MADE: "0.01",
    Quantity.VECTORS_CPU_MADE: "0.004",
    Quantity.DATABASE_CPU_MADE: "0.002",
    Quantity.SERVICE_MEMORY: "300000000",
    Quantity.DATABASE_MEMORY: "200000000",
    Quantity.SCORED_A_FEED: "20",
    Quantity.ITEMS_A_CALL: "20",
    Quantity.PROMPT_TOKENS: "600",
    Quantity.ITEM_TOKENS: "120",
    Quantity.SCORE_TOKENS: "40",
    Quantity.ANSWER_BYTES: "8000",
    Quantity.DATABASE_BYTES_SENT: "20000",
    Quantity.ITEM_ROW_BYTES: "3000",
    Quantity.DECISION_BYTES: "1000",
    Quantity.VECTOR_DISK_BYTES: "4000",
    Quantity.LOG_BYTES_MADE: "1000",
    Quantity.SERIES: "1500",
    Quantity.EMBEDDING_CPU: "0.001",
    Quantity.EMBEDDING_TOKENS: "100",
}


def inputs(*, without: tuple[Quantity, ...] = (), **changes: str) -> Inputs:
    """Return all numbers, some of them changed by their name in lower case, some not known."""
    values = NUMBERS | {Quantity[name.upper()]: value for name, value in changes.items()}
    origin = Origin(source=Source.EVIDENCE, where="costs.measure abc", produce="opsctl costs measure")
    return Inputs(
        {
            name: Input(quantity=name, value=None if name in without else Decimal(value), origin=origin)
            for name, value in values.items()
        }
    )
