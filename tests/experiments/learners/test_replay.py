"""Replaying: estimates hit the truth of logs that were made by chance, nothing later is known earlier, unfit logs are refused."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsctl.core.errors import UsageError
from opsctl.core.events import Event, PhaseAdvanced, PhaseFinished, PhaseStarted
from opsctl.experiments.learners.model import Contexts, Feedback, Floats, Ids, Slates
from opsctl.experiments.learners.policies import POLICIES
from opsctl.experiments.learners.replay import replay
from opsctl.experiments.learners.replay_columns import LogKind
from opsctl.experiments.learners.replay_courses import RejectionCourse, WeightsCourse
from opsctl.experiments.learners.replay_feeds import Feeds, candidates_of
from opsctl.experiments.learners.replay_log import ReplayLog
from opsctl.experiments.learners.replay_model import Method, PolicyReplay, Replay, ReplayOptions
from opsctl.experiments.learners.replay_space import Readers, space_of

RATES = np.array([0.5, 0.1, 0.1, 0.1, 0.1, 0.1])
SHARES = np.array([0.05, 0.35, 0.15, 0.15, 0.15, 0.15])


def _bandit(rows: int, *, shares: Floats, seed: int = 1) -> ReplayLog:
    """Return a log of six items at two positions, of which the first is clicked by half of the readers."""
    source = np.random.default_rng(seed)
    items = source.choice(6, rows, p=shares)
    return ReplayLog(
        kind=LogKind.BANDIT,
        readers=source.integers(0, 3, (rows, 1)),
        reader_words=3,
        items=items,
        item_count=6,
        rewards=(source.random(rows) < RATES[items]).astype(np.float64),
        times=np.arange(rows, dtype=np.float64),
        positions=source.integers(0, 2, rows),
        propensities=shares[items],
        rows_in_file=rows,
        notes=(),
    )


def _ratings(rows: int = 8000, *, seed: int = 1, zipf: float = 0.0) -> ReplayLog:
    """Return ratings of 60 items, some of them rated more often than others; readers have tastes."""
    source = np.random.default_rng(seed)
    popularity = np.arange(1, 61) ** -zipf
    users, items = source.integers(0, 80, rows), source.choice(60, rows, p=popularity / popularity.sum())
    tastes, styles = source.standard_normal((80, 3)), source.standard_normal((60, 3))
    odds = (tastes[users] * styles[items]).sum(axis=1) + source.standard_normal(60)[items]
    return ReplayLog(
        kind=LogKind.RATINGS,
        readers=users[:, None],
        reader_words=80,
        items=items,
        item_count=60,
        rewards=(source.random(rows) < 1 / (1 + np.exp(-odds))).astype(np.float64),
        times=np.arange(rows, dtype=np.float64),
        positions=np.zeros(rows, np.int64),
        propensities=None,
        rows_in_file=rows,
        notes=(),
    )


class Always:
    """Shows one item first, and the rest as they come."""

    name = "always"
    state_bytes = 0

    def __init__(self, item: int) -> None:
        self.item = item
        self.taught: list[Feedback] = []

    def choose(self, contexts: Contexts, *, size: int, generator, with_propensities: bool = False) -> Slates:
        """Return the item, and others after it."""
        is_item = contexts.candidates == self.item
        order = np.argsort(~is_item, axis=1, kind="stable")[:, :size]
        items = np.take_along_axis(contexts.candidates, order, axis=1)
        return Slates(items=items, propensities=np.ones(items.shape))

    def chances(self, contexts: Contexts, *, size: int, places: Ids, generator) -> Floats:
        """Return 1 for what stands at each place."""
        shown = self.choose(contexts, size=size, generator=generator).items
        at_place = np.take_along_axis(shown, places[:, None], axis=1)
        found: Floats = (contexts.candidates == at_place).astype(np.float64)
        return found

    def learn(self, feedback: Feedback, *, generator) -> None:
        """Keep what it is taught."""
        self.taught.append(feedback)


def _course(course, policy: Always, log: ReplayLog, *, block: int = 500) -> PolicyReplay:
    space = space_of(log, early=100, generator=np.random.default_rng(1))
    feeds = Feeds(log, space, candidates=5, generator=np.random.default_rng(2))
    run = course(policy, slate=log.slate, items=log.item_count, seed=1, timer=itertools.count().__next__)
    for start in range(0, log.rows, block):
        rows = slice(start, min(start + block, log.rows))
        run.replay(feeds.block(rows))
        feeds.note(rows)
    found: PolicyReplay = run.result(ReplayOptions())
    return found


def test_rejection_finds_what_a_policy_earns_on_an_even_log() -> None:
    """Item 0 at the first position, item 1 at the second: half and a tenth, and a sixth of the rows is accepted."""
    policy = Always(0)

    found = _course(RejectionCourse, policy, _bandit(20_000, shares=np.full(6, 1 / 6)))

    assert found.low < 0.3 < found.high
    assert found.used == pytest.approx(20_000 / 6, rel=0.06)
    assert sum(len(each.rewards) for each in policy.taught) == found.used
    assert {int(item) for each in policy.taught for item in each.items} == {0, 1}


def test_weights_find_what_a_policy_earns_on_an_uneven_log() -> None:
    """Item 0 was shown seldom, item 1 often; rejection would say 0.15, and the log itself earns less than a fifth."""
    log = _bandit(40_000, shares=SHARES)
    policy = Always(0)

    found = _course(WeightsCourse, policy, log)

    accepted = _course(RejectionCourse, Always(0), log)
    assert accepted.value == pytest.approx((0.05 * 0.5 + 0.35 * 0.1) / 0.4, abs=0.02)
    for estimator in ("ips", "snips", "dr"):
        estimate = found.estimates[estimator]
        assert estimate.low < 0.3 < estimate.high, estimator
        assert estimate.standard_error < 0.02
        assert estimate.has_support
    assert sum(len(each.rewards) for each in policy.taught) == 40_000
    assert found.estimates["ips_clipped"].clipped > 0
    assert found.estimates["dm"].value == pytest.approx(0.3, abs=0.06)


@given(
    count=st.integers(2, 8),
    rows=st.integers(0, 60),
    catalogue=st.integers(1, 30),
    seed=st.integers(0, 1000),
)
@settings(max_examples=150, deadline=None)
def test_rows_of_a_group_offer_each_others_items(count, rows, catalogue, seed) -> None:
    """Candidates are distinct, ascending and hold the logged item; each is offered as often as it is logged, times `count`."""
    source = np.random.default_rng(seed)
    items = source.integers(0, catalogue, rows)

    candidates, is_whole = candidates_of(items, count=count, generator=source)

    for row, item in zip(candidates[is_whole], items[is_whole], strict=True):
        assert item in row
        assert (np.diff(row) > 0).all()
    offered = np.bincount(candidates[is_whole].ravel(), minlength=catalogue)
    logged = np.bincount(items[is_whole], minlength=catalogue)
    assert np.array_equal(offered, count * logged)
    if rows and np.bincount(items).max() <= rows // count:
        assert is_whole.sum() == rows // count * count


def test_who_knows_only_what_is_popular_is_accepted_exactly_as_often_as_chance() -> None:
    """Whatever is chosen without a look at the reader: once in five, to the row."""
    log = _ratings(30_000, zipf=0.7)
    counts = np.bincount(log.items, minlength=60)

    candidates, is_whole = candidates_of(log.items, count=5, generator=np.random.default_rng(3))

    assert is_whole.mean() > 0.99
    for liking in (counts, -counts, np.arange(60)):
        chosen = np.take_along_axis(candidates, liking[candidates].argmax(axis=1)[:, None], axis=1)[:, 0]
        assert (chosen == log.items)[is_whole].mean() == 0.2


def _replayed(log: ReplayLog, **options) -> Replay:
    return replay(log, ReplayOptions(**options), timer=itertools.count().__next__)


@pytest.mark.slow
def test_learners_do_better_than_chance_on_ratings() -> None:
    """Where readers have tastes; and random is accepted once in ten."""
    found = {each.policy: each for each in _replayed(_ratings(20_000)).policies}

    assert tuple(found) == POLICIES
    assert found["random"].used == pytest.approx(16_000 / 10, rel=0.1)
    for name in ("greedy", "linear_ts", "epinet_ts"):
        assert found[name].low > found["random"].high, name
    assert min(each.curve[-1].regret for each in found.values()) == 0.0
    assert found["random"].curve[-1].regret > 50
    assert found["random"].curve[-1].rows == 16_000


def test_learners_find_the_best_item_of_a_bandits_log() -> None:
    """Beta Thompson sampling comes to show it first."""
    result = _replayed(_bandit(8000, shares=SHARES), policies=("random", "beta_ts"))
    found = {each.policy: each for each in result.policies}

    assert result.method is Method.WEIGHTS
    assert result.is_conclusive
    assert found["random"].low < RATES.mean() < found["random"].high
    assert found["beta_ts"].low > found["random"].high


def test_the_same_seed_gives_the_same_figures_and_another_seed_others() -> None:
    """All chance hangs on it."""
    log = _ratings(3000)

    first, again, other = (_replayed(log, seed=seed, policies=("beta_ts", "epinet_ts")) for seed in (1, 1, 2))

    assert [replace(each, milliseconds_a_row=0) for each in first.policies] == [
        replace(each, milliseconds_a_row=0) for each in again.policies
    ]
    assert first.policies[0].value != other.policies[0].value


def test_nothing_later_is_known_earlier() -> None:
    """With all rewards of the last quarter turned round, everything before is the same to the last digit."""
    log = _ratings(4000)
    turned = replace(log, rewards=np.where(np.arange(4000) < 3000, log.rewards, 1 - log.rewards))

    curves = [_replayed(each, block=250, policies=("linear_ts", "greedy")).policies for each in (log, turned)]

    for first, second in zip(*curves, strict=True):
        assert first.value != second.value
        before = [
            [(point.rows, point.used, point.reward) for point in each.curve if point.rows <= 2200]
            for each in (first, second)
        ]
        assert len(before[0]) > 5
        assert before[0] == before[1]


def test_vectors_are_made_of_the_early_rows_alone() -> None:
    """Whatever comes later; items that come later have none, and a group of their own."""
    log = _ratings(4000)
    changed = replace(
        log,
        items=np.where(np.arange(4000) < 1000, log.items % 30, log.items),
        rewards=np.where(np.arange(4000) < 1000, log.rewards, 1 - log.rewards),
    )
    many = replace(changed, item_count=200, items=changed.items * 3)

    first, second = (
        space_of(each, early=1000, generator=np.random.default_rng(1))
        for each in (changed, replace(changed, rewards=np.where(np.arange(4000) < 1000, log.rewards, 0.0)))
    )
    late = space_of(many, early=1000, generator=np.random.default_rng(1))

    assert np.array_equal(first.items.vectors, second.items.vectors)
    assert not first.items.vectors[30:].any()
    known = np.zeros(200, np.bool_)
    known[np.unique(many.items[:1000])] = True
    assert not late.items.vectors[~known].any()
    assert len(set(late.items.groups[~known].tolist())) == 1
    assert not set(late.items.groups[~known].tolist()) & set(late.items.groups[known].tolist())


def test_readers_are_known_by_what_they_did_before() -> None:
    """Of somebody who did nothing, nothing; then the items that were liked, less those that were not."""
    log = _ratings(2000)
    space = space_of(log, early=500, generator=np.random.default_rng(1))
    readers = Readers(space, log)

    nobody = readers.vectors(np.array([[7]]))
    readers.note(np.array([[7], [7]]), np.array([3, 4]), np.array([1.0, 0.0]))
    known = readers.vectors(np.array([[7], [8]]))

    wanted = ((1 - space.mean) * space.items.vectors[3] - space.mean * space.items.vectors[4]) / 5
    assert not nobody.any()
    np.testing.assert_allclose(known[0], wanted)
    assert not known[1].any()
    assert readers.groups(known).tolist()[1] == 0
    assert readers.groups(known).tolist()[0] > 0


def test_progress_is_told() -> None:
    """A bar can be drawn."""
    heard: list[Event] = []

    replay(
        _ratings(2000),
        ReplayOptions(policies=("random",)),
        timer=itertools.count().__next__,
        listener=heard.append,
    )

    assert isinstance(heard[0], PhaseStarted)
    assert heard[0].total == 1600 == sum(each.advance for each in heard if isinstance(each, PhaseAdvanced))
    assert isinstance(heard[-1], PhaseFinished)


def test_too_few_accepted_rows_are_no_answer() -> None:
    """Of 300 rows and ten candidates some twenty count."""
    result = _replayed(_ratings(400), policies=("random", "beta_ts"), block=50)

    assert not result.is_conclusive
    assert all(np.isnan([each.low, each.high]).all() for each in result.policies)


@pytest.mark.parametrize(
    ("log", "options", "code"),
    [
        (_ratings(1000), {"method": Method.WEIGHTS}, "EXP112"),
        (_bandit(1000, shares=SHARES), {"method": Method.REJECTION}, "EXP112"),
        (_ratings(1000), {"candidates": 61}, "EXP101"),
        (replace(_bandit(1000, shares=SHARES), item_count=2001), {}, "EXP112"),
        (replace(_bandit(1000, shares=SHARES), positions=np.arange(1000) % 7), {}, "EXP101"),
        (_ratings(100), {"early": 0.05}, "EXP109"),
        (_ratings(1000), {"policies": ("ucb",)}, "EXP111"),
    ],
)
def test_a_log_that_does_not_fit_is_refused(log: ReplayLog, options, code: str) -> None:
    """Each with its code."""
    with pytest.raises(UsageError) as refused:
        _replayed(log, **options)

    assert refused.value.code == code


def test_an_even_log_with_propensities_may_be_replayed_by_rejection() -> None:
    """Both ways agree."""
    log = _bandit(12_000, shares=np.full(6, 1 / 6))

    by_rejection = _replayed(log, method=Method.REJECTION, policies=("random",)).policies[0]
    by_weights = _replayed(log, policies=("random",)).policies[0]

    assert by_rejection.low < by_weights.value < by_rejection.high
