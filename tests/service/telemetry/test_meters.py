"""Observations that are added together are those that are added one by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.metrics import service as metrics
from opsctl.service.telemetry.meters import Meters

_SCORES = st.sampled_from((*metrics.AGENT_SCORE.buckets, 0.0, 0.123, 1.0, 7.0))


@pytest.mark.slow
@given(values=st.lists(_SCORES | st.floats(0, 1), max_size=30))
def test_several_observations_at_once_are_those_of_single_ones(values: list[float]) -> None:
    """Bucket by bucket: bounds belong to the bucket that they close."""
    one_by_one, together = Meters(), Meters()
    for value in values:
        one_by_one.observe(metrics.AGENT_SCORE, "quality", value=value)
    together.child(metrics.AGENT_SCORE, "quality")
    one_by_one.child(metrics.AGENT_SCORE, "quality")

    together.observe_each(metrics.AGENT_SCORE, "quality", values=values)

    assert _samples(together) == pytest.approx(_samples(one_by_one))


def _samples(meters: Meters) -> dict[tuple[str, str], float]:
    return {
        (sample.name, sample.labels.get("le", "")): sample.value
        for family in meters.registry.collect()
        for sample in family.samples
        if sample.name.startswith(metrics.AGENT_SCORE.name) and not sample.name.endswith("_created")
    }
