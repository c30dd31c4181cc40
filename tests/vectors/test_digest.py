"""The digest of a set of points sees every difference and no order."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.vectors.digest import SetDigest, fingerprint

PAYLOADS = st.dictionaries(
    st.text(max_size=5),
    st.one_of(
        st.integers(-(2**53), 2**53),
        st.booleans(),
        st.text(max_size=5),
        st.lists(st.integers(0, 9), max_size=3),
    ),
    max_size=4,
)
POINTS = st.dictionaries(st.one_of(st.integers(0, 2**64 - 1), st.uuids().map(str)), PAYLOADS, max_size=20)


def digest(points: list[tuple[int | str, dict[str, object]]]) -> SetDigest:
    """Return the digest of some points."""
    seen = SetDigest()
    for point_id, payload in points:
        seen.add(fingerprint(point_id, payload))
    return seen


@pytest.mark.slow
@given(POINTS, st.randoms())
def test_the_order_does_not_matter(points: dict[int | str, dict[str, object]], chance: random.Random) -> None:
    """Shuffled points, and shuffled keys within a payload, give the same digest."""
    shuffled = [
        (key, dict(chance.sample(list(payload.items()), len(payload)))) for key, payload in points.items()
    ]
    chance.shuffle(shuffled)

    assert digest(shuffled) == digest(list(points.items()))


@given(POINTS.filter(bool), PAYLOADS, st.data())
def test_every_difference_is_seen(
    points: dict[int | str, dict[str, object]], payload: dict[str, object], data: st.DataObject
) -> None:
    """A lost point and a changed payload change the digest; an unchanged one does not."""
    chosen = data.draw(st.sampled_from(sorted(points, key=str)))
    without = {key: value for key, value in points.items() if key != chosen}
    changed = points | {chosen: payload}

    assert digest(list(without.items())).hex != digest(list(points.items())).hex
    # `True == 1` in Python but not in a payload, hence the comparison by text.
    is_same = repr(sorted(payload.items())) == repr(sorted(points[chosen].items()))
    assert (digest(list(changed.items())).hex == digest(list(points.items())).hex) is is_same


@pytest.mark.slow
@given(POINTS, POINTS)
def test_parts_add_up_and_come_apart(
    one: dict[int | str, dict[str, object]], other: dict[int | str, dict[str, object]]
) -> None:
    """Merging two digests is the digest of both; taking the points out again leaves the first."""
    merged = digest(list(one.items()))
    merged.merge(digest(list(other.items())))
    assert merged == digest([*one.items(), *other.items()])

    for point_id, payload in other.items():
        merged.remove(fingerprint(point_id, payload))
    assert merged == digest(list(one.items()))


def test_a_known_value_stays_the_same() -> None:
    """The digest is written into metadata and evidence, so it must not change between versions."""
    seen = digest([(1, {"region": "AU", "quality": 0.9}), ("b6f2a3c4-0000-0000-0000-000000000001", {})])

    assert (seen.count, seen.hex) == (2, "6d0f76d84988c82dd6637456e99b2d8b")


def test_two_equal_points_do_not_cancel_out() -> None:
    """A sum, unlike an exclusive or, counts duplicates."""
    point: tuple[int | str, dict[str, object]] = (1, {"a": 1})

    assert digest([point, point]).hex != digest([]).hex
