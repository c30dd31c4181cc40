"""How figures are found and written."""

import doctest

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from opsctl.checklist import quantity
from opsctl.checklist.quantity import Unit, figure_at, written
from opsctl.ui import show_checklist


def test_the_examples_hold():
    """In the texts of the functions."""
    assert doctest.testmod(quantity).failed == 0
    assert doctest.testmod(show_checklist).failed == 0


@pytest.mark.parametrize(
    ("path", "found"),
    [("a.b", 1.0), ("a.c", 2.0), ("a", None), ("a.b.c", None), ("x.y.z", 3.0), ("", None), ("list.0", None)],
)
def test_a_path_leads_through_maps_whose_keys_may_have_dots(path: str, found: float | None):
    """The longest key that leads on wins."""
    figures = {"a.b": 1, "a": {"b": 9, "c": 2}, "x.y": {"z": 3}, "x": {"y": {}}, "list": [1]}

    assert figure_at(figures, path) == found


@given(st.floats(allow_nan=False, allow_infinity=False, width=32), st.sampled_from(Unit))
@example(0.99999, Unit.SECONDS)
def test_every_number_can_be_written(number: float, unit: Unit):
    """Without powers of ten, and never as nothing."""
    text = written(number, unit)

    assert text
    assert "e+" not in text
    assert "e-" not in text or unit is Unit.SECONDS


def test_a_number_too_large_for_a_float_is_none():
    """A whole number of JSON may be."""
    assert figure_at({"a": 10**400}, "a") is None
