"""Agents: each score stays within [0, 1] whatever is unknown, and each agent favours what it stands for."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tests.ranking.scene import (
    ALL_AGENTS,
    CUSTOM,
    make_candidates,
    make_reader,
    permuted,
    random_source,
    unit_rows,
)

from opsctl.ranking.agents import make_agents
from opsctl.ranking.model import Candidates, Feature, Floats, Reader

ANY_FEATURES = arrays(
    np.float64,
    st.tuples(st.integers(0, 12), st.just(len(Feature))),
    elements=st.floats(allow_nan=True, allow_infinity=True),
)


def _with(features: Floats) -> Candidates:
    return replace(make_candidates(len(features)), features=features)


def _score(name: str, candidates: Candidates, reader: Reader) -> Floats:
    return make_agents([name], CUSTOM)[0].score(candidates, reader)


def _one_feature(feature: Feature, *values: float, others: float = 0.5) -> Candidates:
    features = np.full((len(values), len(Feature)), others)
    features[:, feature] = values
    return _with(features)


@pytest.mark.parametrize("name", ALL_AGENTS)
@given(features=ANY_FEATURES, history_count=st.integers(0, 5), seen=st.frozensets(st.integers(0, 50)))
def test_scores_lie_between_0_and_1_whatever_is_unknown(
    name: str, features: Floats, history_count: int, seen: frozenset[int]
) -> None:
    """NaN, infinite and unbounded features, readers with and without a history, no candidates at all."""
    scores = _score(name, _with(features), make_reader(history_count, seen=seen))

    assert scores.shape == (len(features),)
    assert scores.dtype == np.float64
    assert bool(((scores >= 0) & (scores <= 1)).all())


@pytest.mark.parametrize("name", ALL_AGENTS)
def test_the_order_of_the_candidates_moves_no_score(name: str) -> None:
    """An agent judges each item by itself."""
    candidates, reader = make_candidates(30), make_reader()
    order = random_source(3).permutation(30)

    scores = _score(name, candidates, reader)

    np.testing.assert_allclose(_score(name, permuted(candidates, order), reader), scores[order], rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "feature", "better"),
    [
        ("discovery", Feature.SIMILARITY, 1.0),
        ("discovery", Feature.FRESHNESS, 1.0),
        ("discovery", Feature.EXPOSURE, 0.0),
        ("quality", Feature.QUALITY, 1.0),
        ("quality", Feature.MODEL_SCORE, 1.0),
        ("archivist", Feature.PRICE_FIT, 1.0),
        ("archivist", Feature.POPULARITY, 1.0),
        ("serendipity", Feature.SIMILARITY, 1.0),
        ("serendipity", Feature.QUALITY, 1.0),
        ("engagement_forecaster", Feature.POPULARITY, 1.0),
        ("engagement_forecaster", Feature.SIMILARITY, 1.0),
        ("custom", Feature.QUALITY, 1.0),
        ("custom", Feature.EXPOSURE, 0.0),
    ],
)
def test_an_agent_favours_what_it_stands_for(name: str, feature: Feature, better: float) -> None:
    """All else equal, also the vectors."""
    candidates = _one_feature(feature, better, 1.0 - better)
    candidates = replace(candidates, vectors=unit_rows(1, seed=5).repeat(2, axis=0))

    preferred, other = _score(name, candidates, make_reader())

    assert preferred > other


def test_discovery_halves_what_the_reader_has_met() -> None:
    """The same item, met and not met."""
    candidates = _one_feature(Feature.QUALITY, 0.5)

    fresh = _score("discovery", candidates, make_reader())
    met = _score("discovery", candidates, make_reader(seen=frozenset(candidates.ids.tolist())))

    assert met.tolist() == (fresh / 2).tolist()


def test_archivist_seeks_the_history_and_serendipity_leaves_it() -> None:
    """One item out of the history, one at right angles to it; equal in all features."""
    near, far = np.eye(8, dtype=np.float32)[[0, 1]]
    candidates = replace(_one_feature(Feature.QUALITY, 0.5, 0.5), vectors=np.stack([near, far]))
    reader = replace(make_reader(), history=np.stack([near] * 4))

    faithful, surprising = _score("archivist", candidates, reader), _score("serendipity", candidates, reader)

    assert faithful[0] > faithful[1]
    assert surprising[0] == 0 < surprising[1]


def test_archivist_heeds_how_much_each_thing_of_the_history_says() -> None:
    """A saved thing outweighs one that was merely viewed."""
    saved, viewed = np.eye(8, dtype=np.float32)[[0, 1]]
    candidates = replace(_one_feature(Feature.QUALITY, 0.5, 0.5), vectors=np.stack([saved, viewed]))
    reader = replace(make_reader(), history=np.stack([saved, viewed]), history_weights=np.array([4.0, 1.0]))

    by_saved, by_viewed = _score("archivist", candidates, reader)

    assert by_saved > by_viewed


def test_quality_takes_the_catalogue_alone_where_the_model_said_nothing() -> None:
    """Not asked is not the same as bad."""
    candidates = _one_feature(Feature.MODEL_SCORE, np.nan, 0.5, others=0.8)

    alone, both = _score("quality", candidates, make_reader())

    assert alone == pytest.approx(0.8)
    assert both == pytest.approx(0.6 * 0.8 + 0.4 * 0.5)


def test_the_forecast_is_the_logistic_one() -> None:
    """At a cosine of 0 it is the base rate; 3 is the slope."""
    candidates = _one_feature(Feature.POPULARITY, 0.2)
    candidates.features[:, Feature.SIMILARITY] = [0.5]
    closer = replace(candidates, features=candidates.features.copy())
    closer.features[:, Feature.SIMILARITY] = [1.0]

    assert _score("engagement_forecaster", candidates, make_reader()) == pytest.approx(0.2)
    assert _score("engagement_forecaster", closer, make_reader()) == pytest.approx(
        1 / (1 + np.exp(-(np.log(0.25) + 3.0)))
    )


def test_custom_turns_a_feature_around_by_a_negative_weight() -> None:
    """0.7 of quality and 0.3 of what exposure leaves."""
    candidates = _one_feature(Feature.EXPOSURE, 0.1, others=0.6)

    assert _score("custom", candidates, make_reader()) == pytest.approx(0.7 * 0.6 + 0.3 * 0.9)


@pytest.mark.parametrize(
    ("names", "weights", "words"),
    [
        (["oracle"], None, "no agent is called `oracle`"),
        (["quality", "quality"], None, "stands twice"),
        (["custom"], None, "at least one weight"),
        (["custom"], {"quality": 0.0}, "at least one weight"),
        (["custom"], {"qualty": 1.0}, "no feature is called `qualty`"),
        (["custom"], {"quality": float("nan")}, "not a finite number"),
    ],
)
def test_agents_that_cannot_be_made_are_refused(
    names: list[str], weights: dict[str, float] | None, words: str
) -> None:
    """The message says which one and why."""
    with pytest.raises(ValueError, match=words):
        make_agents(names, weights)


def test_agents_come_in_the_order_asked() -> None:
    """The order decides which weight is whose."""
    assert [agent.name for agent in make_agents(ALL_AGENTS[::-1], CUSTOM)] == list(ALL_AGENTS[::-1])
