"""How is a statement put together: what two databases write differently, parts that are kept, and texts quoted safely."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = 86_400_000_000
"""Microseconds; all times and spans in statements are whole microseconds, so that no time zone has a say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What PostgreSQL and DuckDB write differently; all else is in both.

    Args:
        parameter: how a parameter stands in a statement, with `{}` for its name.
        quotient: the operator that divides whole numbers.
        finite: the condition that `{}` is a number; neither NaN, nor infinite, nor null.
        earliest: an aggregate: the text `{text}` of the row with the least `{moment}`, and the least of several such.
        extract: the text under the key `{key}` of a JSON object `{json}`, null where there is none.
    """

    parameter: str
    quotient: str
    finite: str
    earliest: str
    extract: str

    def placeholder(self, name: str) -> str:
        """Return how this parameter is written."""
        return self.parameter.format(name)


POSTGRES = Dialect(
    parameter="%({})s",
    quotient="/",
    # NaN is greater than infinity.
    finite="{0} > '-Infinity'::double precision and {0} < 'Infinity'::double precision",
    earliest="(array_agg({text} order by {moment}, {text}))[1]",
    # By bytes, as DuckDB does: which value is the least must not depend on the database's language.
    extract="""({json}::jsonb ->> {key}) collate "C\"""",
)
DUCKDB = Dialect(
    parameter="${}",
    quotient="//",
    finite="isfinite({})",
    earliest="struct_extract(min({{'moment': {moment}, 'text': {text}}}), 'text')",
    extract="json_extract_string({json}, '$.' || {key})",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A part that several statements read: a common table expression, or a temporary table where that can be kept.

    Args:
        groups_by_unit: how many aggregates it keeps of each unit, so that a database may plan its memory.
    """

    name: str
    sql: str
    groups_by_unit: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A statement that reads stages.

    Args:
        stages: in the order in which they are made; each may read those before it.
        parts: further expressions that only this statement needs.
        parameters: by name, of stages and statement together.
    """

    stages: tuple[Stage, ...]
    sql: str
    parts: tuple[tuple[str, str], ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)


class Engine(Protocol):
    """One open database: where the tables are, in its own words, and its answers."""

    @property
    def dialect(self) -> Dialect:
        """Return how it writes."""
        ...

    @property
    def most_values_at_once(self) -> int | None:
        """Return how many values may be held in memory for a quantile; None where it sorts on disk by itself."""
        ...

    def exposures(self, *, parameter: str) -> str:
        """Return a select of unit_id, variant, moment and attributes (JSON as text) of the experiment in that parameter."""
        ...

    def events(self, *, names: Sequence[str], since: int, until: int) -> str:
        """Return a select of event, unit_id, value and moment, from the first moment to before the second."""
        ...

    def rows(self, query: Query) -> list[tuple[Any, ...]]:
        """Return the rows of a statement; they are few."""
        ...


def microseconds(moment: datetime) -> int:
    """Return the time since 1970.

    >>> microseconds(datetime(1970, 1, 2, tzinfo=UTC))
    86400000000
    """
    return (moment - EPOCH) // timedelta(microseconds=1)


def span(seconds: float) -> int:
    """Return a span of a book in microseconds."""
    return round(seconds * 1_000_000)


def literal(text: str) -> str:
    """Return a text as a literal of SQL.

    >>> literal("it's")
    "'it''s'"

    Raises:
        ValueError: it holds what no literal can, or what a driver would take for a parameter.
    """
    if "\0" in text or "%" in text or "\\" in text:
        raise ValueError(f"{text!r} cannot stand in a statement")
    quoted = text.replace("'", "''")
    return f"'{quoted}'"


def literals(texts: Iterable[str]) -> str:
    """Return texts as the inside of `in (...)`."""
    return ", ".join(literal(text) for text in texts)


def number(value: float) -> str:
    """Return a finite number that is read back to the last bit.

    >>> number(0.1)
    "'0.1'::double precision"
    """
    return f"'{value!r}'::double precision"
