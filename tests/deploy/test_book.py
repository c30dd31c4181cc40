"""The book of a deployment refuses what would be another deployment tomorrow, or one that cannot be."""

import doctest
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from opsctl.deploy import sizes, templating
from opsctl.deploy.book import DeployBook, Qdrant


def test_examples_in_the_docstrings_hold():
    """Every example that the modules show is true."""
    assert doctest.testmod(sizes).failed + doctest.testmod(templating).failed == 0


@pytest.mark.parametrize(
    ("book", "said"),
    [
        ({"images": {"qdrant": "qdrant/qdrant"}}, "is not an image with a tag"),
        ({"images": {"qdrant": "qdrant/qdrant:latest"}}, "the tag `latest` names no version"),
        ({"images": {"python": "python:3-slim"}}, "the tag `3-slim` names no version"),
        ({"images": {"service": "feed:1.2\nRUN x"}}, "is not an image with a tag"),
        ({"replicas": {"service": 3, "most": 2}}, "`most` is 2, less than `service`, 3"),
        ({"qdrant": {"nodes": 1}}, "`replication` is 2, but there are 1 nodes"),
        ({"qdrant": {"write_consistency": 3}}, "`replication` makes only 2 copies"),
        ({"sizes": {"qdrant": {"cpus": 2, "most_cpus": 1, "memory": "1GiB"}}}, "less than `cpus`, 2"),
        ({"pooler": "supavisor"}, "needs `database.host`"),
        ({"domain": "feed.example.com; rm"}, "should match pattern"),
        ({"database": {"name": "a'b"}}, "should match pattern"),
        ({"publish": {"address": "localhost"}}, "should match pattern"),
    ],
)
def test_what_cannot_be_or_would_move_is_refused(book: dict[str, Any], said: str):
    """With the value and what to write instead."""
    with pytest.raises(ValidationError, match=said):
        DeployBook.model_validate(book)


def test_a_tag_that_moves_may_stand_beside_a_digest():
    """The digest is what is pulled."""
    image = f"qdrant/qdrant:nightly@sha256:{'a' * 64}"

    assert DeployBook.model_validate({"images": {"qdrant": image}}).images.qdrant == image


@given(nodes=st.integers(1, 100), replication=st.integers(1, 100), consistency=st.integers(1, 100))
def test_a_cluster_that_is_taken_can_hold_and_confirm_its_copies(
    nodes: int, replication: int, consistency: int
):
    """No copy without a node of its own, no confirmation by a copy that is not there."""
    try:
        chosen = Qdrant(nodes=nodes, replication=replication, write_consistency=consistency)
    except ValidationError:
        assert replication > nodes or consistency > replication
    else:
        assert chosen.write_consistency <= chosen.replication <= chosen.nodes
