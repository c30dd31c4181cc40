"""Exploration arms: each prefers what its name says, within [0, 1] whatever is unknown."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ranking.scene import ARMS, make_candidates, make_reader

from opsctl.ranking.arms import arm_priority
from opsctl.ranking.model import Candidates, Feature


def _alike(count: int) -> Candidates:
    candidates = make_candidates(count, unknown_share=0)
    candidates.features[:] = 0.5
    return replace(candidates, vendors=np.arange(count))


@pytest.mark.slow
@pytest.mark.parametrize("arm", ARMS)
@given(count=st.integers(0, 20), unknown=st.floats(0, 1), history_count=st.integers(0, 5))
def test_a_priority_is_finite_and_within_0_and_1(
    arm: str, count: int, unknown: float, history_count: int
) -> None:
    """Also for a cold start, without candidates and with nothing known."""
    candidates = make_candidates(count, unknown_share=unknown)

    priority = arm_priority(arm, candidates, make_reader(history_count))

    assert priority.shape == (count,)
    assert bool(((priority >= 0) & (priority <= 1)).all())


@pytest.mark.parametrize(
    ("arm", "feature", "value"), [("fresh", Feature.FRESHNESS, 0.9), ("underexposed", Feature.EXPOSURE, 0.1)]
)
def test_the_newest_or_least_shown_comes_first(arm: str, feature: Feature, value: float) -> None:
    """All else equal."""
    candidates = _alike(5)
    candidates.features[3, feature] = value

    assert int(arm_priority(arm, candidates, make_reader()).argmax()) == 3


def test_an_unknown_vendor_comes_first() -> None:
    """The reader has had to do with all but one."""
    reader = make_reader(vendors=frozenset({0, 1, 3, 4}))

    assert int(arm_priority("new_vendor", _alike(5), reader).argmax()) == 2


def test_adjacent_prefers_the_edge_of_the_taste_over_its_heart_and_its_opposite() -> None:
    """Three items: the thing itself, one half-way, one at right angles."""
    heart, beyond = np.eye(8, dtype=np.float32)[[0, 1]]
    edge = ((heart + beyond) / np.sqrt(2)).astype(np.float32)
    candidates = replace(_alike(3), vectors=np.stack([heart, edge, beyond]))
    reader = replace(make_reader(), history=heart[None, :])

    assert int(arm_priority("adjacent", candidates, reader).argmax()) == 1


def test_an_unknown_arm_is_refused() -> None:
    """The message names it."""
    with pytest.raises(ValueError, match="sideways"):
        arm_priority("sideways", _alike(2), make_reader())
