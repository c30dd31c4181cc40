"""A filter selects the same points on the vector node as in Qdrant's own local mode, indexed or not."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from qdrant_client import models
from tests.contracts.conftest import Pair
from tests.contracts.strategies import filters, payloads

pytestmark = pytest.mark.stack

_INDEXES = {
    "region": models.PayloadSchemaType.KEYWORD,
    "count": models.PayloadSchemaType.INTEGER,
    "quality": models.PayloadSchemaType.FLOAT,
    "open": models.PayloadSchemaType.BOOL,
    "made": models.PayloadSchemaType.DATETIME,
    "owner.name": models.PayloadSchemaType.KEYWORD,
}


@pytest.mark.slow
@pytest.mark.parametrize("is_indexed", [False, True], ids=["plain", "indexed"])
def test_generated_filters_select_the_same_points(pair: Pair, *, is_indexed: bool) -> None:
    """For any payloads and any filter: the same ids by scroll, the same number by exact count."""
    pair.create()
    if is_indexed:
        for field, kind in _INDEXES.items():
            pair.subject.create_payload_index(pair.name, field, kind)

    @settings(
        max_examples=40, deadline=None, database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )  # fmt: skip
    @given(
        rows=st.lists(payloads, min_size=12, max_size=12), chosen=st.lists(filters(), min_size=4, max_size=4)
    )
    def check(rows: list[dict[str, object]], chosen: list[models.Filter]) -> None:
        # Every example overwrites the same twelve points.
        pair.upsert(
            [
                models.PointStruct(id=number, vector=[1.0, 0.0, 0.0, number / 10], payload=payload)
                for number, payload in enumerate(rows, start=1)
            ]
        )
        for each in chosen:
            actual, expected = pair.ids(each)
            assert actual == expected, each.model_dump_json(exclude_none=True)
            assert pair.subject.count(pair.name, each, exact=True).count == len(expected)

    check()
