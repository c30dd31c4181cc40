"""A row becomes an item, or is told why not; no NaN, NUL or half character goes further."""

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.catalog.convert import RowConverter
from opsctl.catalog.mapping import MappingBook
from opsctl.catalog.percentile import PercentileCounter
from opsctl.catalog.rows import BadRow, Row
from opsctl.store.items import NewItem

FIELDS = {
    "title": "name",
    "region": "country",
    "category": {"constant": "venue"},
    "quality": {"column": "stars", "low": 1, "high": 5},
    "price_usd": {"column": "price", "remove": "$ "},
    "tags": {"column": "tags"},
    "created_at": "since",
}
CELLS = {
    "key": "7",
    "name": " Loft ",
    "country": "AU",
    "stars": "4",
    "price": "$ 12.345",
    "tags": "a; b;;a",
    "since": "",
}


def _convert(cells: dict[str, Any], **fields: Any) -> NewItem | BadRow:
    mapping = MappingBook.model_validate({"source": "s", "id": "key", "fields": FIELDS | fields})
    return RowConverter(mapping).convert(Row(line=2, cells=CELLS | cells))


def test_each_rule_fills_its_field() -> None:
    """Blanks go, prices are rounded to cents, tags are told apart, a missing vendor is one of its own."""
    assert _convert({}) == NewItem(
        external_id="7",
        title="Loft",
        description="",
        region="AU",
        district="",
        category="venue",
        quality=0.75,
        price_usd=12.35,
        tags=("a", "b"),
        vendor_external_id="7",
        vendor_name="vendor of 7",
    )


@pytest.mark.parametrize(
    ("cells", "fields", "name", "expected"),
    [
        ({"name": ""}, {"title": {"column": "name", "empty": "Untitled"}}, "title", "Untitled"),
        ({}, {"description": {"template": "{name}, {country}"}}, "description", "Loft, AU"),
        ({"price": ""}, {}, "price_usd", None),
        ({"price": ""}, {"price_usd": {"column": "price", "empty": 3}}, "price_usd", 3),
        (
            {"price": "1.234,5"},
            {"price_usd": {"column": "price", "remove": ".", "decimal_comma": True}},
            "price_usd",
            1234.5,
        ),
        ({"price": 5}, {}, "price_usd", 5.0),
        ({"price": Decimal("5.10")}, {}, "price_usd", 5.1),
        ({"since": date(2024, 5, 1)}, {}, "created_at", datetime(2024, 5, 1, tzinfo=UTC)),
        ({"stars": ""}, {"quality": {"column": "stars", "empty": 0.5}}, "quality", 0.5),
        ({}, {"quality": {"constant": 0.3}}, "quality", 0.3),
        ({"tags": ["x", " y "]}, {}, "tags", ("x", "y")),
        ({"tags": None}, {}, "tags", ()),
        ({"since": "2024-05-01"}, {}, "created_at", datetime(2024, 5, 1, tzinfo=UTC)),
        ({"owner": "o"}, {"vendor": {"id": "owner"}}, "vendor_name", "vendor o"),
        ({"owner": "o", "n": "Ben"}, {"vendor": {"id": "owner", "name": "n"}}, "vendor_name", "Ben"),
        ({"key": 7}, {}, "external_id", "7"),
    ],
)
def test_rules_take_what_files_hold(
    cells: dict[str, Any], fields: dict[str, Any], name: str, expected: Any
) -> None:
    """Empty cells, defaults, local numbers, typed values of JSON and Parquet."""
    item = _convert(cells, **fields)

    assert isinstance(item, NewItem), item
    assert getattr(item, name) == expected


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"key": " "}, "the id is empty"),
        ({"name": None}, "the title is empty"),
        ({"country": ""}, "the region is empty"),
        ({"stars": "nan"}, "`stars` is nan, not a finite number"),
        ({"stars": "-Infinity"}, "`stars` is -inf, not a finite number"),
        ({"stars": math.nan}, "`stars` is nan, not a finite number"),
        ({"stars": "7"}, "`stars` is 7, not between 1 and 5"),
        ({"stars": ""}, "`stars` is empty, and the mapping says no quality for that"),
        ({"stars": True}, "`stars` is `True`, not a number"),
        ({"price": "cheap"}, "`price` is `cheap`, not a number"),
        ({"price": "1_000"}, "`price` is `1_000`, not a number"),
        ({"price": "-1"}, "`price` is -1; a price lies between 0 and 9999999999"),
        ({"name": "x" * 1001}, "`name` has 1,001 characters; at most 1,000"),
        ({"name": "a\0b"}, "`name` holds a NUL character"),
        ({"name": "a\ud800b"}, "`name` holds half a character (a lone surrogate)"),
        ({"name": {"en": "x"}}, "`name` is a dict, not a text"),
        ({"since": "yesterday"}, "`yesterday` is not a time as ISO 8601 writes it"),
    ],
)
def test_what_cannot_be_used_is_told_in_plain_words(cells: dict[str, Any], reason: str) -> None:
    """The row is handed back with its line and its beginning."""
    bad = _convert(cells)

    assert isinstance(bad, BadRow), bad
    assert (bad.line, bad.reason) == (2, reason)
    assert bad.seen.startswith("key=")
    bad.seen.encode()


def test_quality_by_percentile_is_the_share_of_rows_at_most_as_good() -> None:
    """The best row has 1."""
    counter = PercentileCounter()
    for stars in (1, 2, 3, 4):
        counter.add(stars)
    fields = FIELDS | {"quality": {"percentile": "stars", "empty": 0}}
    mapping = MappingBook.model_validate({"source": "s", "id": "key", "fields": fields})
    converter = RowConverter(mapping, ranks=counter.ranks())

    items = [converter.convert(Row(line=2, cells=CELLS | {"stars": stars})) for stars in ("4", "1", "")]

    assert [item.quality for item in items if isinstance(item, NewItem)] == [1.0, 0.25, 0.0]


_ANY = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text(), max_size=3)


@given(st.fixed_dictionaries(dict.fromkeys(CELLS, _ANY)))
def test_whatever_the_cells_hold_the_item_fits_the_database(cells: dict[str, Any]) -> None:
    """Either an item within every limit of the tables, or a reason."""
    item = _convert(cells)

    if isinstance(item, NewItem):
        assert 0 <= item.quality <= 1
        assert item.price_usd is None or 0 <= item.price_usd < 1e10
        assert all("\0" not in text for text in (item.external_id, item.title, item.region, *item.tags))
        assert item.external_id
        assert item.title
        assert item.region
        "".join((item.external_id, item.title, item.region, *item.tags)).encode()
    else:
        assert item.reason
