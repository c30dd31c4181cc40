"""Durations, bytes and counts as people write them."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.core import units


def test_examples_in_the_docstrings_hold():
    """Every example that the module shows is true."""
    assert doctest.testmod(units).failed == 0


@pytest.mark.parametrize("text", ["", "5", "m5", "5 minutes", "-5m", "5m-", "NaNs", "1h 30m", "٣s" * 2 + "x"])
def test_what_is_not_a_duration_is_refused(text):
    """The message shows how to write one."""
    with pytest.raises(ValueError, match="is not a duration; write it as"):
        units.parse_duration(text)


@given(st.integers(0, 1000), st.integers(0, 59), st.integers(0, 59))
def test_durations_add_up(hours, minutes, seconds):
    """Hours, minutes and seconds are summed."""
    assert units.parse_duration(f"{hours}h{minutes}m{seconds}s") == hours * 3600 + minutes * 60 + seconds
