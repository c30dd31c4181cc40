"""The composite key: a point has the wanted key exactly when it passes the filter."""

from hypothesis import given
from hypothesis import strategies as st

from opsctl.vectors.filters import FilterSpec
from opsctl.vectors.strategies import SEGMENT_FIELD, Strategy, arm, segment_filter, segmenter

SPEC = FilterSpec.model_validate(
    {"region": "AU", "tags": "red", "level": 3, "quality": {"gte": 0.5}, "kind": {"except": ["x"]}}
)
texts = st.sampled_from(["AU", "NZ", "red", "3", "x", "in", "out", "-"])
scalars = st.one_of(texts, st.integers(0, 4), st.booleans(), st.floats(0, 1), st.none())
payloads = st.fixed_dictionaries(
    {}, optional={key: st.one_of(scalars, st.lists(scalars, max_size=3)) for key in SPEC.root}
)


@given(payloads)
def test_the_key_means_the_filter(payload):
    """Lists, missing fields, numbers as text and booleans included."""
    wanted = segment_filter(SPEC).root[SEGMENT_FIELD]

    assert (wanted in segmenter(SPEC)(payload)) == SPEC.matches(payload)


def test_a_payload_of_long_lists_has_a_bounded_number_of_keys():
    """The product of two lists of 100 is cut, and the wanted key is still there."""
    spec = FilterSpec.model_validate({"a": "v99", "b": "v99"})
    many = [f"v{number}" for number in range(100)]

    keys = segmenter(spec)({"a": many, "b": many})

    assert len(keys) == 64
    assert keys[0] == "v99|v99"


def test_only_the_derived_collection_needs_no_filter():
    """The filter is what a derived collection saves."""
    arms = [arm(strategy, collection="c", spec=SPEC) for strategy in Strategy]

    assert [each.filter is None for each in arms] == [False, False, False, False, True]
    assert [each.acorn for each in arms] == [False, False, True, False, False]
