"""Where no unit differs from another, the number of units says what can be wrong at all, exactly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from opsctl.experiments.effects import parse_effect
from opsctl.experiments.statistics.unvaried import Unvaried, units_needed

SHARES = st.floats(1e-4, 0.9)


def arms(treated: int, value: float = 0.0) -> Unvaried:
    """Return arms of as many units each."""
    return Unvaried(value=value, treated=treated, units=2 * treated)


@given(st.integers(1, 10**7), st.floats(1e-6, 0.5))
def test_the_share_that_can_be_affected_is_that_of_clopper_and_pearson(treated, alpha):
    """The upper limit of a binomial share of which nothing was seen."""
    assert arms(treated).most_affected(alpha=alpha) == pytest.approx(stats.beta.ppf(1 - alpha, 1, treated))


@given(SHARES, st.floats(1e-4, 0.4))
def test_so_many_units_show_it_and_one_fewer_does_not(share, alpha):
    """P falls below alpha just there; so a look at more units tells nothing that an earlier one did not."""
    needed = units_needed(share, alpha=alpha)

    assert arms(needed).p_value(share) <= alpha * (1 + 1e-6)
    assert needed == 1 or arms(needed - 1).p_value(share) > alpha * (1 - 1e-6)


@pytest.mark.parametrize(
    ("margin", "value", "is_share", "share"),
    [
        ("2pp", 0.0, True, 0.02),
        ("5%", 1.0, True, 0.05),
        ("5%", 0.0, False, 0.05),
        ("0.3", 3.0, False, 0.1),
        ("0.3", 0.0, False, None),
        ("7", 3.0, False, 1.0),
    ],
)
def test_a_margin_is_read_as_a_share_of_units_where_it_is_one(margin, value, is_share, share):
    """Points of a proportion are; clicks are none where nobody clicks."""
    found = arms(10, value).share_of(parse_effect(margin), is_share=is_share)

    assert found == (None if share is None else pytest.approx(share))


@pytest.mark.parametrize("share", [0.0, -1.0, 1.1, float("nan")])
def test_what_is_no_share_is_refused(share):
    """A programming error."""
    with pytest.raises(ValueError, match="share"):
        arms(10).p_value(share)
    with pytest.raises(ValueError, match="share"):
        units_needed(share, alpha=0.05)
