"""A body of any form is changed or left alone, and never breaks whoever changes it."""

import asyncio
import json
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsctl.chaos.proxy.garble import garble
from opsctl.chaos.proxy.in_force import Active, InForce
from opsctl.chaos.proxy.toxics import Garble, Garbling

NAMES = st.sampled_from(
    ["result", "points", "id", "hits", "score", "vector", "choices", "message", "content"]
)
JSON = st.recursive(
    st.none() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=15,
)


@pytest.fixture
def active() -> Iterator[Active]:
    """Return a toxic in force."""
    with asyncio.Runner() as runner:
        force = InForce(runner.get_loop(), on_change=lambda: None)
        yield force.set("garble", Garble(what=Garbling.EMPTY), ttl_seconds=60)
        force.clear()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(document=st.fixed_dictionaries({}, optional={"result": JSON, "choices": JSON, "data": JSON}))
def test_whatever_an_answer_holds_it_is_changed_or_left_alone(active: Active, document: object):
    """No form of it raises."""
    for what in Garbling:
        garbled = garble(json.dumps(document).encode(), what, active=active)
        assert garbled is None or what is Garbling.NOT_JSON or isinstance(json.loads(garbled), dict)


def test_hits_in_groups_and_ids_that_are_texts_are_found(active: Active):
    """`points/query/groups`, and UUIDs as Qdrant allows them."""
    known = "5c56c793-69f3-4fbf-87e6-c4bf54c28c26"
    document = {"result": {"groups": [{"id": "a", "hits": [{"id": known, "score": 1.0}]}]}}

    garbled = garble(json.dumps(document).encode(), Garbling.UNKNOWN_IDS, active=active)

    assert garbled is not None
    (group,) = json.loads(garbled)["result"]["groups"]
    assert group["id"] == "a"
    assert group["hits"][0]["id"] not in (known, None)
    assert len(group["hits"][0]["id"]) == len(known)


def test_named_vectors_are_cut_as_well(active: Active):
    """Each by itself."""
    document = {"result": [{"id": 1, "vector": {"a": [1.0] * 4, "b": [[1.0] * 2] * 2}}]}

    garbled = garble(json.dumps(document).encode(), Garbling.WRONG_DIMENSION, active=active)

    assert garbled is not None
    assert json.loads(garbled)["result"][0]["vector"] == {"a": [1.0, 1.0], "b": [[1.0], [1.0]]}


def test_what_is_nested_too_deeply_is_left_alone(active: Active):
    """And costs no more than a look."""
    deep = b'{"result": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"

    assert garble(deep, Garbling.EMPTY, active=active) is None
