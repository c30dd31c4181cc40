"""How texts and numbers stand in statements: quoted, to the last bit, or not at all."""

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.experiments.warehouse.query import literal, number

_CONNECTION = duckdb.connect()
_PLAIN = st.text(st.characters(exclude_characters="\0%\\", exclude_categories=["Cs"]))


@given(_PLAIN)
def test_a_literal_is_read_back_as_it_was(text):
    """Quotes, semicolons and comments inside are text."""
    assert _CONNECTION.execute(f"select {literal(text)}").fetchone() == (text,)


@pytest.mark.parametrize("text", ["100%", "a\0b", "back\\slash"])
def test_what_a_driver_or_a_server_would_read_otherwise_is_refused(text):
    """It cannot be in a name of a book."""
    with pytest.raises(ValueError, match="cannot stand"):
        literal(text)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_read_back_to_the_last_bit(value):
    """A cap that is off by a bit would cut off the unit that made it."""
    assert _CONNECTION.execute(f"select {number(value)}").fetchone() == (value,)
