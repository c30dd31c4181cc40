"""Which columns of a file become which fields of an item: the mapping book."""

import codecs
import hashlib
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from opsctl.config.load import load_book
from opsctl.config.model import StrictModel

Column = Annotated[str, Field(min_length=1, max_length=200)]

_SLOT = re.compile(r"\{([^{}]+)\}")


class FileFormat(StrEnum):
    """The formats that can be imported."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


def _with_column(value: Any) -> Any:
    """Take a plain name for `{column: name}`."""
    return {"column": value} if isinstance(value, str) else value


def _exactly_one(rule: StrictModel, *names: str) -> None:
    given = [name for name in names if getattr(rule, name) is not None]
    if len(given) != 1:
        raise ValueError(f"give exactly one of {', '.join(names)}")


class TextRule(StrictModel):
    """Where a text comes from; a plain string is the name of a column."""

    column: Column | None = None
    """Column to take."""
    template: Annotated[str, Field(min_length=1)] | None = None
    """Text with columns in braces: `{category} in {district}`."""
    constant: str | None = None
    """The same text for every row."""
    empty: str | None = None
    """What an empty cell becomes."""

    @model_validator(mode="after")
    def _one_origin(self) -> "TextRule":
        _exactly_one(self, "column", "template", "constant")
        return self

    def columns(self) -> tuple[str, ...]:
        """Return the columns that the rule reads."""
        return (self.column,) if self.column is not None else tuple(_SLOT.findall(self.template or ""))


class NumberRule(StrictModel):
    """Where a number comes from; a plain string is the name of a column."""

    column: Column
    """Column to take."""
    empty: float | None = None
    """What an empty cell becomes; without it the item has no such number."""
    remove: str = ""
    """Characters to drop before reading, such as `$,`."""
    decimal_comma: bool = False
    """Read `1234,5` as 1234.5."""

    def columns(self) -> tuple[str, ...]:
        """Return the columns that the rule reads."""
        return (self.column,)


class QualityRule(StrictModel):
    """Where the quality from 0 to 1 comes from."""

    percentile: Column | None = None
    """Column of numbers; the quality is the share of rows whose number is at most this row's."""
    column: Column | None = None
    """Column of numbers between `low` and `high`."""
    constant: Annotated[float, Field(ge=0, le=1)] | None = None
    """The same quality for every row."""
    low: float = 0.0
    """Number of `column` that means quality 0."""
    high: float = 1.0
    """Number of `column` that means quality 1."""
    empty: Annotated[float, Field(ge=0, le=1)] | None = None
    """Quality of a row whose cell is empty; without it such a row is rejected."""

    @model_validator(mode="after")
    def _one_origin(self) -> "QualityRule":
        _exactly_one(self, "percentile", "column", "constant")
        if self.low >= self.high:
            raise ValueError("`low` must be less than `high`")
        return self

    def columns(self) -> tuple[str, ...]:
        """Return the columns that the rule reads."""
        return tuple(name for name in (self.percentile, self.column) if name is not None)


class TagsRule(StrictModel):
    """Where the tags come from."""

    column: Column
    """Column that holds all tags of the row."""
    split: Annotated[str, Field(min_length=1)] = ";"
    """What stands between two tags."""

    def columns(self) -> tuple[str, ...]:
        """Return the columns that the rule reads."""
        return (self.column,)


class VendorRule(StrictModel):
    """Who offers the item."""

    id: Column
    """Column of the vendor's id within the source."""
    name: Column | None = None
    """Column of the vendor's name."""

    def columns(self) -> tuple[str, ...]:
        """Return the columns that the rule reads."""
        return (self.id,) if self.name is None else (self.id, self.name)


Text = Annotated[TextRule, BeforeValidator(_with_column, json_schema_input_type=Column | TextRule)]
Number = Annotated[NumberRule, BeforeValidator(_with_column, json_schema_input_type=Column | NumberRule)]


class FieldRules(StrictModel):
    """One rule for each field of an item."""

    title: Text
    """What the item is called; a row without one is rejected."""
    description: Text = TextRule(constant="")
    """What it is; embedded together with the title."""
    region: Text
    """Country, state or borough; a filter of derived collections."""
    district: Text = TextRule(constant="")
    """Part of the region."""
    category: Text
    """Kind of item; a filter of derived collections."""
    quality: QualityRule
    """How good it is, from 0 to 1; a filter of derived collections."""
    price_usd: Number | None = None
    """Price in US dollars, not negative."""
    tags: TagsRule | None = None
    """Free words."""
    created_at: Text | None = None
    """When it came to be, as ISO 8601; a time without a zone is UTC."""
    vendor: VendorRule | None = None
    """Who offers it; without this rule every item has a vendor of its own."""


def _text_of_bytes(encoding: str) -> str:
    """Refuse encodings in which a line end is not the byte 10, because lines are found before they are decoded."""
    try:
        codecs.lookup(encoding)
        is_plain = '\n,;"'.encode(encoding) == b'\n,;"'
    except (LookupError, UnicodeError) as error:
        raise ValueError(f"`{encoding}` is not an encoding that Python knows") from error
    if not is_plain:
        raise ValueError(f"`{encoding}` cannot be read line by line; convert the file to utf-8")
    return encoding


class MappingBook(StrictModel):
    """How the rows of a file become items."""

    source: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
    """Name of where the rows come from; ids are unique within it, and a later file of it updates the same items."""
    id: Column
    """Column of the item's id."""
    format: FileFormat | None = None
    """Format of the file; without it the ending of its name decides."""
    encoding: Annotated[str, AfterValidator(_text_of_bytes)] = "utf-8"
    """Encoding of a CSV file."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    """What stands between two cells of a CSV file."""
    fields: FieldRules
    """The rules."""

    def columns(self) -> tuple[str, ...]:
        """Return every column that some rule reads, each once."""
        rules = [getattr(self.fields, name) for name in FieldRules.model_fields]
        names = [self.id, *(name for rule in rules if rule is not None for name in rule.columns())]
        return tuple(dict.fromkeys(names))

    @property
    def digest(self) -> str:
        """Return a fingerprint of everything that decides how a row is read."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


def load_mapping(path: Path) -> MappingBook:
    """Read a mapping book.

    Raises:
        UsageError: CFG003 with every problem and its place.
    """
    return load_book(path, MappingBook)
