"""Whole rankings: the same seed gives the same slate, in whatever order candidates come; nothing hidden is shown."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ranking.scene import (
    AGENTS,
    ARMS,
    make_candidates,
    make_options,
    make_reader,
    make_state,
    permuted,
    random_source,
    unit_rows,
)

from opsctl.ranking.agents import make_agents
from opsctl.ranking.arms import arm_priority
from opsctl.ranking.model import Candidates, RankingOptions, Reader, Slate
from opsctl.ranking.rank import exploration_positions, rank

SEEDS = st.integers(0, 2**63)
COUNTS = st.integers(0, 30)
SHARES = st.floats(0, 1)


def _rank(candidates: Candidates, reader: Reader | None = None, *, seed: int = 5, **options: float) -> Slate:
    limit = int(options.pop("limit", 10))
    return rank(
        candidates,
        reader or make_reader(),
        state=make_state(),
        options=make_options(limit, **options),
        seed=seed,
    )


@pytest.mark.slow
@given(count=COUNTS, limit=st.integers(1, 40), share=SHARES, diversity=SHARES, seed=SEEDS, data=st.data())
@settings(max_examples=150)
def test_a_slate_is_whole_and_tells_the_truth(
    count: int, limit: int, share: float, diversity: float, seed: int, data: st.DataObject
) -> None:
    """For any size, share, diversity, seed, seen and hidden items."""
    candidates = make_candidates(count, seed=seed % 50)
    some_ids = st.frozensets(st.sampled_from(candidates.ids.tolist())) if count else st.just(frozenset())
    reader = make_reader(seen=data.draw(some_ids), hidden=data.draw(some_ids))

    slate = _rank(candidates, reader, limit=limit, exploration_share=share, diversity=diversity, seed=seed)

    showable = set(candidates.ids.tolist()) - reader.hidden
    assert len(slate.ids) == len(set(slate.ids)) == min(limit, len(showable))
    assert set(slate.ids) <= showable
    assert math.fsum(slate.weights.values()) == pytest.approx(1)
    assert all(0 <= score <= 1 for score in slate.scores)
    assert not {slate.ids[position] for position in slate.explored} & reader.seen
    assert (slate.arm in ARMS) == (slate.propensity is not None) == bool(slate.explored)
    assert set(slate.agent_scores) == set(slate.weights) == set(slate.logits) == set(AGENTS)
    for position, score in enumerate(slate.scores):
        weighted = sum(slate.weights[name] * slate.agent_scores[name][position] for name in AGENTS)
        assert score == pytest.approx(weighted)


@given(count=COUNTS, seed=SEEDS, shuffle=st.integers(0, 1000))
def test_the_order_of_the_candidates_does_not_matter(count: int, seed: int, shuffle: int) -> None:
    """Bit for bit, with equal items among them."""
    candidates = make_candidates(count, seed=seed % 50)

    shuffled = permuted(candidates, random_source(shuffle).permutation(count))

    assert _rank(shuffled, seed=seed) == _rank(candidates, seed=seed)


@given(seed=SEEDS)
def test_the_same_seed_gives_the_same_slate(seed: int) -> None:
    """Also from copies of the arrays in another layout."""
    candidates = make_candidates(25)
    copied = replace(
        candidates,
        vectors=np.asfortranarray(candidates.vectors),
        features=np.asfortranarray(candidates.features),
    )

    assert _rank(candidates, seed=seed) == _rank(copied, seed=seed)


def test_ranking_leaves_what_it_is_given_as_it_was() -> None:
    """Candidates may be shared by many requests."""
    candidates, reader = make_candidates(25), make_reader()
    before = replace(candidates, features=candidates.features.copy(), vectors=candidates.vectors.copy())

    _rank(candidates, reader)

    np.testing.assert_array_equal(candidates.features, before.features)
    np.testing.assert_array_equal(candidates.vectors, before.vectors)


def test_another_seed_draws_other_weights() -> None:
    """Otherwise the policy would not explore."""
    candidates = make_candidates(25)

    assert _rank(candidates, seed=1).weights != _rank(candidates, seed=2).weights


def test_no_candidates_give_an_empty_slate() -> None:
    """Also where all are hidden."""
    hidden = make_reader(hidden=frozenset(make_candidates(3).ids.tolist()))

    assert _rank(make_candidates(0)).ids == _rank(make_candidates(3), hidden).ids == ()


def test_an_explored_item_is_what_the_arm_prefers_of_the_rest() -> None:
    """Among what the other positions do not show."""
    candidates, reader = make_candidates(30), make_reader()

    slate = _rank(candidates, reader)

    assert slate.arm is not None
    priority = dict(
        zip(candidates.ids.tolist(), arm_priority(slate.arm, candidates, reader).tolist(), strict=True)
    )
    others = [item for position, item in enumerate(slate.ids) if position not in slate.explored]
    left = sorted(set(priority) - set(others), key=lambda item: (-priority[item], item))
    assert [slate.ids[position] for position in slate.explored] == left[: len(slate.explored)]


def test_without_exploration_and_diversity_the_weighted_score_decides() -> None:
    """Of equals the lower id comes first; no arm is needed."""
    candidates = make_candidates(30)

    slate = rank(
        candidates,
        make_reader(),
        state=replace(make_state(), arms=replace(make_state().arms, names=(), alpha=(), beta=())),
        options=make_options(30, exploration_share=0, diversity=0),
        seed=5,
    )

    assert (slate.explored, slate.arm, slate.propensity) == ((), None, None)
    assert list(slate.ids) == [
        item
        for _, item in sorted((-score, item) for item, score in zip(slate.ids, slate.scores, strict=True))
    ]


@given(count=st.integers(1, 70), seed=st.integers(0, 50))
def test_equal_items_score_equally_wherever_they_stand(count: int, seed: int) -> None:
    """A BLAS adds up the rows at the end of a block otherwise than the rest; here that must not show."""
    one = make_candidates(1, seed=seed)
    clones = Candidates(
        ids=np.arange(count)[::-1].copy(),
        vendors=one.vendors.repeat(count),
        vectors=unit_rows(1, seed=seed, dimensions=128).repeat(count, axis=0),
        features=one.features.repeat(count, axis=0),
    )
    reader = replace(make_reader(), history=unit_rows(7, seed=seed, dimensions=128))

    slate = _rank(clones, reader, limit=count, exploration_share=0)

    assert slate.ids == tuple(range(count))
    assert len(set(slate.scores)) == 1


def test_unseen_items_that_run_out_leave_no_gap() -> None:
    """All but one were met before: one position explores, the others are filled as usual."""
    candidates = make_candidates(10)
    new = int(candidates.ids[4])
    reader = make_reader(seen=frozenset(candidates.ids.tolist()) - {new})

    slate = _rank(candidates, reader, exploration_share=0.9)

    assert len(slate.ids) == 10
    assert [slate.ids[position] for position in slate.explored] in ([new], [])


@given(size=st.integers(0, 200), share=SHARES, seed=SEEDS)
def test_exploration_positions_are_distinct_and_as_many_as_the_share(
    size: int, share: float, seed: int
) -> None:
    """Rounded up or down by chance."""
    positions = exploration_positions(size, share=share, generator=random_source(seed))

    assert list(positions) == sorted(set(positions))
    assert all(0 <= position < size for position in positions)
    assert abs(len(positions) - size * share) < 1


def test_exploration_positions_are_spread_and_keep_their_share() -> None:
    """Two of twenty in the middle of each half; one of five in every second feed, within 4 standard errors."""
    source = random_source(1)

    counts = [len(exploration_positions(5, share=0.1, generator=source)) for _ in range(4000)]

    assert exploration_positions(20, share=0.1, generator=source) == (5, 15)
    assert abs(np.mean(counts) - 0.5) < 4 * 0.5 / math.sqrt(4000)


def test_a_vector_that_is_not_finite_spoils_no_other_item() -> None:
    """It counts as near to nothing."""
    candidates = make_candidates(20)
    candidates.vectors[3] = np.nan

    slate = _rank(candidates, limit=20)

    assert len(slate.ids) == 20
    assert all(math.isfinite(score) for score in slate.scores)


def test_agents_of_the_book_take_their_own_logits_out_of_the_policy() -> None:
    """The policy's order of agents need not be the book's."""
    state = make_state(("serendipity", "quality", "archivist"))
    policy = replace(state.policy, means=((9.0, 0, 0), (0.0, 0, 0), (-9.0, 0, 0)), log_sigmas=(-3.0,) * 3)
    options = RankingOptions(limit=5, agents=("archivist", "serendipity"))

    slate = rank(
        make_candidates(9), make_reader(), state=replace(state, policy=policy), options=options, seed=1
    )

    assert slate.weights["serendipity"] > 0.99
    assert [agent.name for agent in make_agents(options.agents)] == list(slate.weights)


def test_the_versions_of_what_was_learned_travel_along() -> None:
    """A log without them could not be learned from."""
    state = make_state()
    state = replace(state, arms=replace(state.arms, version=7), policy=replace(state.policy, version=9))

    slate = rank(make_candidates(9), make_reader(), state=state, options=make_options(), seed=3)

    assert (slate.seed, slate.arms_version, slate.policy_version) == (3, 7, 9)


def test_what_does_not_fit_together_is_refused() -> None:
    """Twins among the candidates, and an agent that the policy has never heard of."""
    twins = replace(make_candidates(2), ids=np.array([1, 1]))

    with pytest.raises(ValueError, match="not distinct"):
        _rank(twins)
    with pytest.raises(ValueError, match="does not know agent `discovery`"):
        rank(make_candidates(2), make_reader(), state=make_state(("custom",)), options=make_options(), seed=1)
    with pytest.raises(ValueError, match="exploration share"):
        _rank(make_candidates(2), exploration_share=1.5)


def test_agents_that_are_given_must_be_those_of_the_options() -> None:
    """A slate would otherwise name scores wrongly; the right ones change nothing."""
    candidates, reader, state, options = make_candidates(9), make_reader(), make_state(), make_options()

    slate = rank(candidates, reader, state=state, options=options, seed=5, agents=make_agents(AGENTS))

    assert slate == _rank(candidates, reader)
    with pytest.raises(ValueError, match="not those of the options"):
        rank(candidates, reader, state=state, options=options, seed=5, agents=make_agents(AGENTS[::-1]))
