"""Groups of logged decisions: like readers together, samples of another policy left out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.ranking.grouping import Sample, group_samples

AGENTS = ("a", "b")
SAMPLES = st.lists(
    st.builds(
        Sample,
        context=st.tuples(st.just(1.0), st.floats(0, 1)),
        logits=st.fixed_dictionaries({"a": st.floats(-2, 2), "b": st.floats(-2, 2)}),
        reward=st.floats(0, 1),
    ),
    max_size=30,
)


@given(SAMPLES, st.integers(1, 10))
def test_every_sample_is_in_one_group_of_its_like(samples: list[Sample], steps: int) -> None:
    """Contexts within a group differ by at most one step."""
    groups = group_samples(samples, agents=AGENTS, steps=steps)

    assert sorted(r for group in groups for r in group.rewards) == sorted(s.reward for s in samples)
    assert all(
        (group.contexts.max(axis=0) - group.contexts.min(axis=0) <= 1 / steps + 1e-12).all()
        for group in groups
    )


def test_logits_stand_in_the_policys_order() -> None:
    """Whatever the order in the log is."""
    sample = Sample(context=(1.0,), logits={"b": 2.0, "a": 1.0}, reward=0.5, importance=4.0, ratio=0.3)

    (group,) = group_samples([sample], agents=AGENTS)

    assert group.logits.tolist() == [[1.0, 2.0]]
    assert group.importance is not None
    assert group.importance.tolist() == [4.0]
    assert group.ratios is not None
    assert group.ratios.tolist() == [0.3]


def test_samples_of_another_policy_are_left_out() -> None:
    """Other agents, or a context of another size."""
    fitting = Sample(context=(1.0, 0.0), logits={"a": 0.0, "b": 0.0}, reward=1.0)
    other_agents = Sample(context=(1.0, 0.0), logits={"a": 0.0, "c": 0.0}, reward=2.0)
    other_context = Sample(context=(1.0,), logits={"a": 0.0, "b": 0.0}, reward=3.0)

    groups = group_samples([other_agents, fitting, other_context], agents=AGENTS)

    assert [group.rewards.tolist() for group in groups] == [[1.0]]


def test_a_step_of_nothing_is_refused() -> None:
    """There is no multiple of 1 / 0."""
    with pytest.raises(ValueError, match="at least 1 step"):
        group_samples([], agents=AGENTS, steps=0)
