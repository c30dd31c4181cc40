"""The heuristic: its formula, its bounds, and that it needs nobody."""

import asyncio
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.service.scoring.items import item

from opsctl.service.scoring.heuristic import HeuristicScorer, heuristic_score
from opsctl.service.scoring.ports import ScoredItem

ANY_ITEMS = st.builds(
    ScoredItem,
    content_id=st.integers(0, 2**53),
    title=st.text(max_size=300),
    description=st.text(max_size=300),
    category=st.text(max_size=20),
    region=st.text(max_size=5),
    price_usd=st.none() | st.floats(),
    quality=st.floats(),
    tags=st.lists(st.text(max_size=5), max_size=15).map(tuple),
)


def test_a_whole_listing_scores_by_the_formula():
    """0.4 x 0.8 for quality, all of text and price, 0.15 x (1 - 1/4) for two tags."""
    whole = item(
        1, title="x" * 24, description="word " * 40, quality=0.8, price_usd=100.0, tags=("portrait", "prints")
    )

    assert heuristic_score(whole) == pytest.approx(0.4 * 0.8 + 0.3 + 0.15 * 0.75 + 0.15)


@pytest.mark.parametrize(
    ("price_usd", "part"),
    [
        (None, 0.5),
        (0.0, 0.0),
        (-5.0, 0.0),
        (10.0, 1.0),
        (10_000.0, 1.0),
        (30_000.0, 0.5),
        (10 / 9, 0.25),
        (math.nan, 0.5),
    ],
)
def test_a_price_counts_by_how_usual_it_is(price_usd, part):
    """Halved with each factor of three beyond the usual range; an unknown one is in between."""
    bare = item(1, title="", description="", quality=0.0, tags=(), price_usd=price_usd)

    assert heuristic_score(bare) == pytest.approx(0.15 * part, abs=1e-6)


@pytest.mark.parametrize(
    ("worse", "better"),
    [
        ({"title": "PORTRAITS IN LISBON"}, {"title": "Portraits in Lisbon"}),
        ({"description": ""}, {"description": "A whole day at the sea, with prints."}),
        ({"tags": ("portrait", "portrait")}, {"tags": ("portrait", "prints")}),
        ({"quality": 0.2}, {"quality": 0.9}),
    ],
    ids=["shouting", "no description", "the same tag twice", "quality"],
)
def test_a_listing_that_tells_more_scores_higher(worse, better):
    """Each part of the formula moves the score in its direction."""
    assert heuristic_score(item(1, **worse)) < heuristic_score(item(1, **better))


@given(ANY_ITEMS)
def test_any_item_gets_a_score_from_0_to_1_and_always_the_same(any_item):
    """Also NaN qualities, infinite prices and texts of every script."""
    score = heuristic_score(any_item)

    assert 0 <= score <= 1
    assert heuristic_score(any_item) == score


def test_it_is_no_stand_in_and_names_its_formula():
    """The id is part of the key of cached scores."""
    scorer = HeuristicScorer()

    assert (scorer.scorer_id, scorer.is_simulated) == ("heuristic:v1", False)
    assert asyncio.run(scorer.score([item(7)])) == {7: heuristic_score(item(7))}
