"""How does a row become an item: each rule applied, and the first thing that is wrong said plainly."""

import math
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from opsctl.catalog.mapping import MappingBook, NumberRule, QualityRule, TextRule
from opsctl.catalog.percentile import Ranks
from opsctl.catalog.rows import BadRow, Row, excerpt
from opsctl.store.items import NewItem

_LONGEST_NAME = 1000
_LONGEST_TEXT = 50_000
_MOST_TAGS = 100
# PostgreSQL keeps quality as a four-byte float.
_QUALITY_DIGITS = 6
_SLOT = re.compile(r"\{([^{}]+)\}")
# PostgreSQL keeps prices as numeric(12, 2).
_HIGHEST_PRICE_USD = 9_999_999_999.0


class BadValueError(Exception):
    """A cell cannot become what its field needs; the text is the reason that the report shows."""


class RowConverter:
    """Turns rows into items by a mapping; `ranks` answers the quality rule `percentile`."""

    def __init__(self, mapping: MappingBook, *, ranks: Ranks | None = None) -> None:
        self._mapping = mapping
        self._ranks = ranks

    def convert(self, row: Row) -> NewItem | BadRow:
        """Return the item, or the row with the reason why it cannot be one."""
        try:
            return self._item(row.cells)
        except BadValueError as error:
            seen = excerpt(" | ".join(f"{name}={value}" for name, value in row.cells.items()))
            return BadRow(line=row.line, reason=str(error), seen=excerpt(repr(seen)[1:-1], length=200))

    def _item(self, cells: Any) -> NewItem:
        rules = self._mapping.fields
        external_id = _required(cell_text(cells.get(self._mapping.id), name=self._mapping.id), name="id")
        vendor_id, vendor_name = self._vendor(cells, external_id)
        return NewItem(
            external_id=external_id,
            title=_required(_text(rules.title, cells), name="title"),
            description=_text(rules.description, cells, longest=_LONGEST_TEXT),
            region=_required(_text(rules.region, cells), name="region"),
            district=_text(rules.district, cells),
            category=_required(_text(rules.category, cells), name="category"),
            quality=self._quality(rules.quality, cells),
            price_usd=_price(rules.price_usd, cells),
            tags=self._tags(cells),
            vendor_external_id=vendor_id,
            vendor_name=vendor_name,
            created_at=_moment(_text(rules.created_at, cells)) if rules.created_at else None,
        )

    def _vendor(self, cells: Any, external_id: str) -> tuple[str, str]:
        rule = self._mapping.fields.vendor
        if rule is None:
            return external_id, f"vendor of {external_id}"
        vendor_id = _required(cell_text(cells.get(rule.id), name=rule.id), name="vendor id")
        name = cell_text(cells.get(rule.name), name=rule.name) if rule.name else ""
        return vendor_id, name or f"vendor {vendor_id}"

    def _tags(self, cells: Any) -> tuple[str, ...]:
        rule = self._mapping.fields.tags
        if rule is None:
            return ()
        value = cells.get(rule.column)
        parts = (
            [cell_text(part, name=rule.column) for part in value]
            if isinstance(value, list)
            else cell_text(value, name=rule.column).split(rule.split)
        )
        tags = tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))
        if len(tags) > _MOST_TAGS:
            raise BadValueError(f"`{rule.column}` holds {len(tags)} tags; at most {_MOST_TAGS}")
        return tags

    def _quality(self, rule: QualityRule, cells: Any) -> float:
        if rule.constant is not None:
            return rule.constant
        column = rule.percentile or rule.column or ""
        value = cell_number(cells.get(column), name=column)
        if value is None:
            if rule.empty is None:
                raise BadValueError(f"`{column}` is empty, and the mapping says no quality for that")
            return rule.empty
        if rule.percentile is not None:
            return (
                round(self._ranks.share_at_most(value), _QUALITY_DIGITS) if self._ranks is not None else 0.0
            )
        if not rule.low <= value <= rule.high:
            raise BadValueError(f"`{column}` is {value:g}, not between {rule.low:g} and {rule.high:g}")
        return round((value - rule.low) / (rule.high - rule.low), _QUALITY_DIGITS)


def cell_text(value: Any, *, name: str, longest: int = _LONGEST_NAME) -> str:
    """Return a cell as text without blanks around it; an empty cell is the empty text."""
    if isinstance(value, str):
        text = value.strip()
    elif value is None:
        return ""
    elif isinstance(value, date):
        text = value.isoformat()
    elif isinstance(value, bool | int | float | Decimal):
        text = str(value)
    else:
        raise BadValueError(f"`{name}` is a {type(value).__name__}, not a text")
    if len(text) > longest:
        raise BadValueError(f"`{name}` has {len(text):,} characters; at most {longest:,}")
    if "\0" in text:
        raise BadValueError(f"`{name}` holds a NUL character")
    if not text.isascii():
        _refuse_half_characters(text, name=name)
    return text


def cell_number(value: Any, *, name: str, remove: str = "", decimal_comma: bool = False) -> float | None:
    """Return a cell as a finite number; None where it is empty."""
    if isinstance(value, bool):
        raise BadValueError(f"`{name}` is `{value}`, not a number")
    if isinstance(value, int | float | Decimal):
        number = float(value)
    else:
        text = cell_text(value, name=name)
        for character in remove:
            text = text.replace(character, "")
        text = text.strip()
        if not text:
            return None
        if "_" in text:
            # Python reads 1_000 as a number; no file means that.
            raise BadValueError(f"`{name}` is `{excerpt(text, length=40)}`, not a number")
        try:
            number = float(text.replace(",", ".") if decimal_comma else text)
        except ValueError as error:
            raise BadValueError(f"`{name}` is `{excerpt(text, length=40)}`, not a number") from error
    if not math.isfinite(number):
        raise BadValueError(f"`{name}` is {number}, not a finite number")
    return number


def _text(rule: TextRule, cells: Any, *, longest: int = _LONGEST_NAME) -> str:
    if rule.column is not None:
        text = cell_text(cells.get(rule.column), name=rule.column, longest=longest)
    elif rule.template is not None:
        filled = _SLOT.sub(lambda slot: cell_text(cells.get(slot[1]), name=slot[1]), rule.template)
        text = cell_text(filled, name="template", longest=longest)
    else:
        text = rule.constant or ""
    return text or rule.empty or ""


def _required(text: str, *, name: str) -> str:
    if not text:
        raise BadValueError(f"the {name} is empty")
    return text


def _price(rule: NumberRule | None, cells: Any) -> float | None:
    if rule is None:
        return None
    value = cells.get(rule.column)
    price = cell_number(value, name=rule.column, remove=rule.remove, decimal_comma=rule.decimal_comma)
    if price is None:
        return rule.empty
    if not 0 <= price <= _HIGHEST_PRICE_USD:
        raise BadValueError(
            f"`{rule.column}` is {price:g}; a price lies between 0 and {_HIGHEST_PRICE_USD:.0f}"
        )
    return round(price, 2)


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadValueError(f"`{excerpt(text, length=40)}` is not a time as ISO 8601 writes it") from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _refuse_half_characters(text: str, *, name: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise BadValueError(f"`{name}` holds half a character (a lone surrogate)") from error
