"""Who is in the market: the same seed gives the same people, and what can be seen of vendors is true, but not all of it."""

from dataclasses import fields

import numpy as np
import pytest
from scipy import stats
from tests.experiments.simulator.worlds import small_market

from opsctl.embeddings.hashing import HashingEmbedder
from opsctl.experiments.simulator.market import make_market, unit_id
from opsctl.experiments.simulator.noise import Noise
from opsctl.experiments.simulator.observed_items import embedded_items, texts_of, usual_items
from opsctl.experiments.simulator.relevance import bring_candidates, relevance_logits, sigmoid
from opsctl.experiments.simulator.world_book import World

_MARKET = make_market(World(users=3000), seed=5)


def test_the_same_seed_gives_the_same_market_and_another_seed_another() -> None:
    """Number for number."""
    again, other = make_market(World(users=3000), seed=5), make_market(World(users=3000), seed=6)

    for part in ("vendors", "readers", "observables"):
        for each in fields(getattr(_MARKET, part)):
            first, second = (getattr(getattr(market, part), each.name) for market in (_MARKET, again))
            assert np.array_equal(first, second, equal_nan=first.dtype.kind == "f")
    assert (other.vendors.quality != _MARKET.vendors.quality).all()
    assert (other.readers.tastes != _MARKET.readers.tastes).all()


def test_tastes_lie_around_styles_and_vendors_nearer_to_theirs() -> None:
    """With the spreads that the world says."""
    readers, vendors, world = _MARKET.readers, _MARKET.vendors, _MARKET.world

    taste_errors = readers.tastes - vendors.centres[readers.styles]
    style_errors = vendors.traits - vendors.centres[vendors.styles]

    assert np.linalg.norm(vendors.centres, axis=1) == pytest.approx(1.0)
    assert taste_errors.std() == pytest.approx(world.taste_spread, rel=0.02)
    assert style_errors.std() == pytest.approx(world.style_spread, rel=0.05)
    assert np.bincount(readers.styles).min() > 150


def test_readers_hide_a_style_that_is_not_the_one_they_show() -> None:
    """Exactly one."""
    readers = _MARKET.readers

    assert (readers.hidden.sum(axis=1) == 1).all()
    assert not readers.hidden[np.arange(3000), readers.styles].any()


def test_activity_is_gamma_distributed_about_its_mean() -> None:
    """Kolmogorov and Smirnov find nothing."""
    world = _MARKET.world
    scale = world.return_base / world.return_shape

    assert stats.kstest(_MARKET.readers.activity, "gamma", args=(world.return_shape, 0, scale)).pvalue > 1e-3


def test_popularity_follows_zipf() -> None:
    """With the world's exponent."""
    weights = np.sort(_MARKET.vendors.popularity)[::-1]

    assert weights == pytest.approx(np.arange(1, 301) ** -_MARKET.world.popularity)


def test_some_vendors_arrive_later_and_nobody_has_reviewed_or_seen_them() -> None:
    """As many as the world says, in time."""
    seen, world = _MARKET.observables, _MARKET.world
    late = seen.arrives > 0

    assert late.sum() == int(world.arrivals * world.vendors)
    assert seen.arrives[late].max() <= world.arrival_days
    assert not seen.review_count[late].any()
    assert not seen.popularity[late].any()
    assert np.isnan(seen.review_mean[late]).all()


def test_reviews_tell_of_quality_the_better_the_more_there_are() -> None:
    """Few reviews mislead more than many."""
    seen, truth = _MARKET.observables, _MARKET.vendors.quality
    few, many = (seen.review_count > 0) & (seen.review_count < 4), seen.review_count >= 10

    assert 0.2 < np.corrcoef(seen.review_mean[few], truth[few])[0, 1] < 0.85
    assert np.corrcoef(seen.review_mean[many], truth[many])[0, 1] > 0.85


def test_most_say_truly_what_their_style_is_and_noise_makes_them_mislead() -> None:
    """The more of it the worse, but never worse than chance."""

    def share_true(tag_noise: float) -> float:
        market = make_market(World(users=10, tag_noise=tag_noise), seed=5)
        return float((market.observables.style_tags == market.vendors.styles).mean())

    assert share_true(0.0) > 0.95
    assert share_true(0.0) > share_true(0.3) > share_true(1.0) > 1 / 12


def test_texts_say_what_can_be_seen_and_differ() -> None:
    """The same market gives the same texts."""
    texts = texts_of(_MARKET.observables)

    assert len(set(texts)) > 0.95 * len(texts)
    newcomer = int(np.flatnonzero(_MARKET.observables.review_count == 0)[0])
    assert "no reviews yet" in texts[newcomer]
    assert texts == texts_of(make_market(World(users=3000), seed=5).observables)


def test_worlds_of_more_styles_dimensions_and_cities_than_there_are_words_for_have_texts() -> None:
    """Those beyond have numbers."""
    market = small_market(styles=20, dimensions=24, cities=12)

    assert len(texts_of(market.observables)) == 60
    assert usual_items(market.observables).vectors.shape == (60, 16)


@pytest.mark.parametrize("kind", ["usual", "text"])
def test_embeddings_of_what_can_be_seen_know_styles(kind: str) -> None:
    """Vendors of one style lie nearer to each other."""
    items = (
        usual_items(_MARKET.observables)
        if kind == "usual"
        else embedded_items(_MARKET.observables, HashingEmbedder(dimension=64))
    )
    cosines = items.vectors @ items.vectors.T
    same = _MARKET.vendors.styles[:, None] == _MARKET.vendors.styles
    np.fill_diagonal(same, val=False)

    assert np.linalg.norm(items.vectors, axis=1) == pytest.approx(1.0)
    different = ~same & ~np.eye(300, dtype=bool)
    assert cosines[same].mean() > cosines[different].mean() + 0.1
    assert (items.groups == _MARKET.observables.style_tags).all()


def test_relevance_is_what_the_formula_says() -> None:
    """For each reader and vendor, one by one."""
    market = small_market(users=5)
    world, vendors, readers = market.world, market.vendors, market.readers
    candidates = np.tile(np.arange(60), (5, 1))

    found = relevance_logits(market, users=np.arange(5), tastes=readers.tastes, candidates=candidates)

    for user in range(5):
        for vendor in range(60):
            wanted = (
                world.base
                + world.taste_weight * float(readers.tastes[user] @ vendors.traits[vendor])
                + world.quality_weight * vendors.quality[vendor]
                - world.price_weight * abs(vendors.log_price[vendor] - readers.log_budget[user])
                - world.distance_weight * vendors.city_distances[vendors.cities[vendor], readers.cities[user]]
                + world.hidden_weight * readers.hidden[user, vendors.styles[vendor]]
            )
            assert found[user, vendor] == pytest.approx(wanted, abs=2e-5)  # tastes lie on a grid
    assert sigmoid(np.array([-1e9, 0.0, 1e9])) == pytest.approx([0.0, 0.5, 1.0])


def _brought(presence: np.ndarray, *, noise: int = 1) -> np.ndarray:
    users = np.arange(_MARKET.world.users)
    return bring_candidates(_MARKET, Noise(seed=noise), day=0, slot=0, users=users, presence=presence)


def test_candidates_are_distinct_popular_and_near() -> None:
    """More often than others."""
    brought = _brought(np.ones(300))

    assert (np.diff(brought, axis=1) > 0).all()
    counts = np.bincount(brought.ravel(), minlength=300)
    assert stats.spearmanr(counts, _MARKET.vendors.popularity).statistic > 0.7
    ways = _MARKET.vendors.city_distances[_MARKET.vendors.cities, _MARKET.readers.cities[:, None]]
    assert np.take_along_axis(ways, brought, axis=1).mean() < ways.mean() - 0.05


def test_a_vendor_that_is_gone_moves_no_other_candidate_but_the_one_in_its_place() -> None:
    """So that worlds stay comparable where capacity differs."""
    all_there, one_gone = np.ones(300), np.ones(300)
    gone = int(_MARKET.vendors.popularity.argmax())
    one_gone[gone] = 0.0

    before, after = _brought(all_there), _brought(one_gone)

    for first, second in zip(before.tolist(), after.tolist(), strict=True):
        lost, new = set(first) - set(second), set(second) - set(first)
        assert lost == ({gone} if gone in first else set())
        assert len(new) == len(lost)
    assert not (after == gone).any()


def test_those_who_are_full_are_brought_only_where_nobody_else_is_left() -> None:
    """A feed is never shorter for it."""
    presence = np.full(300, 1e-9)
    presence[:30] = 1.0

    brought = _brought(presence)

    assert all(set(range(30)) <= set(row) for row in brought.tolist())


def test_ids_of_readers_sort_as_their_numbers() -> None:
    """Up to a million of them."""
    assert unit_id(12) == "reader-000012"
