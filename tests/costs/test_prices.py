"""The price book refuses what would make a bill wrong without anybody noticing."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.costs.examples import TODAY

from opsctl.config.load import load_book, parse_book
from opsctl.core.errors import UsageError
from opsctl.costs.book import CostsBook
from opsctl.costs.doubts import require_past
from opsctl.costs.prices import PricesBook

ROOT = Path(__file__).parents[2]


def book_with(**changes: Any) -> str:
    """Return the text of a book with one price."""
    price = {
        "value": 0.30,
        "unit": "per million requests",
        "source": "an example",
        "retrieved": date(2026, 11, 1),
        "verified": True,
    } | changes
    return yaml.safe_dump(
        {"providers": {"one": {"title": "One", "parts": ["edge"], "prices": {"requests": price}}}}
    )


def refusal(text: str, model: type[Any] = PricesBook) -> str:
    """Return what is said of a book that is refused."""
    with pytest.raises(UsageError) as caught:
        parse_book(text, model, file="prices.yaml")
    return " ".join(finding.title for finding in caught.value.findings)


def test_the_shipped_books_are_right_and_every_choice_has_its_prices():
    """The plan names only providers that the price book knows for that part."""
    prices = load_book(ROOT / "ops" / "prices.yaml", PricesBook)
    plan = load_book(ROOT / "ops" / "costs.yaml", CostsBook)

    for part, name in plan.providers.model_dump().items():
        assert name == "own" or part in prices.providers[name].parts


def test_money_is_decimal_to_the_last_digit():
    """A float of 0.3 is not three tenths."""
    book = parse_book(book_with(value=0.0000025), PricesBook, file="prices.yaml")

    assert book.providers["one"].prices["requests"].value == Decimal("0.0000025")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"value": -1}, "greater than or equal to 0"),
        ({"value": float("nan")}, "finite"),
        ({"value": float("inf")}, "finite"),
        ({"value": True}, "not yes or no"),
        ({"value": "a lot"}, "decimal"),
        ({"unit": "per million request"}, "per million requests"),
        ({"included": -5}, "greater than or equal to 0"),
        ({"retrieved": "yesterday"}, "date"),
        ({"retrieved": 20261101}, "write the day"),
        ({"price": 3}, "unknown key `price`"),
        ({"vcpu": 2}, "are of instances"),
        ({"most": 2}, "is of instances"),
        ({"tiers": [{"above": 10, "value": 1}, {"above": 10, "value": 2}]}, "above the one before"),
        ({"included": 10, "tiers": [{"above": 5, "value": 1}]}, "above the one before"),
        ({"unit": "per instance-month"}, "needs `vcpu` and `memory_gib`"),
        ({"unit": "per month"}, "without such a price it would be free"),
    ],
)
def test_what_would_make_a_wrong_bill_is_refused(changes: dict[str, Any], said: str):
    """Each at its place in the file, with what belongs there."""
    assert said in refusal(book_with(**changes))


def test_a_price_that_stands_twice_is_refused():
    """YAML itself would silently take the second one."""
    text = book_with()
    twice = text + text.partition("\n")[2].replace("title: One", "title: Other")

    assert "twice" in refusal(twice)


def test_a_plan_of_nothing_and_of_nan_is_refused():
    """A budget of nothing cannot be kept, and NaN is kept by everything."""
    assert "greater than 0" in refusal("budgets: {month_usd: 0}", CostsBook)
    assert "finite" in refusal("budgets: {month_usd: .nan}", CostsBook)
    assert "greater than or equal to 1" in refusal("readers: {users: 0}", CostsBook)


def test_a_price_from_the_future_is_refused():
    """With a day of grace, because the world has time zones."""
    tomorrow, later = TODAY + timedelta(days=1), TODAY + timedelta(days=2)

    require_past(parse_book(book_with(retrieved=tomorrow), PricesBook, file="p.yaml"), today=TODAY)
    with pytest.raises(UsageError) as caught:
        require_past(parse_book(book_with(retrieved=later), PricesBook, file="p.yaml"), today=TODAY)
    assert caught.value.code == "CST002"
    assert "`one.requests`" in caught.value.findings[0].title
