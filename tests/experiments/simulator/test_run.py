"""A world day by day: the same seed gives the same days, arms learn from their own readers, and faults are refused."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from tests.experiments.simulator.worlds import (
    ByChance,
    BySimilarity,
    column,
    everybody,
    halves,
    run_alone,
    small_market,
    treat,
)

from opsctl.core.errors import UsageError
from opsctl.experiments.learners.model import Contexts, Items, Slates
from opsctl.experiments.simulator import run as run_module
from opsctl.experiments.simulator.market import Market
from opsctl.experiments.simulator.observed_items import usual_items
from opsctl.experiments.simulator.records import Sessions, SimulatedDay
from opsctl.experiments.simulator.run import Plan, run_days
from opsctl.experiments.simulator.treatment import Profiles, Treatment, WarmUp


def _same(one: SimulatedDay, other: SimulatedDay) -> bool:
    sessions = all(
        np.array_equal(
            getattr(one.sessions, each.name),
            getattr(other.sessions, each.name),
            equal_nan=getattr(one.sessions, each.name).dtype.kind == "f",
        )
        for each in fields(Sessions)
    )
    return sessions and all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("saved_users", "saved_at", "answered_users", "answers", "satisfaction", "known_clicks")
    )


def test_two_runs_of_one_seed_are_identical_and_another_seed_is_another_run() -> None:
    """Every number of every session."""
    runs = [
        run_alone(small_market(capacity=True, seed=seed), BySimilarity(), days=6, with_propensities=True)
        for seed in (1, 1, 2)
    ]

    assert all(_same(one, other) for one, other in zip(runs[0], runs[1], strict=True))
    assert not any(_same(one, other) for one, other in zip(runs[0], runs[2], strict=True))


def test_nothing_hangs_on_how_many_readers_are_worked_on_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a policy that draws nothing; sessions then come in another order, and are the same."""
    market = small_market(drift=0.1)
    whole = run_alone(market, _Stubborn(), days=4)
    monkeypatch.setattr(run_module, "USERS_AT_ONCE", 7)
    parts = run_alone(market, _Stubborn(), days=4)

    for one, other in zip(whole, parts, strict=True):
        orders = [np.lexsort((day.sessions.slots, day.sessions.users)) for day in (one, other)]
        for name in ("users", "slates", "clicks", "rewards", "best_rewards", "at"):
            first, second = (
                getattr(day.sessions, name)[order] for day, order in zip((one, other), orders, strict=True)
            )
            assert np.array_equal(first, second)
        assert np.array_equal(one.satisfaction, other.satisfaction)


class _Stubborn(ByChance):
    """Always shows the first candidates."""

    def scores(self, contexts: Contexts, generator: np.random.Generator) -> Any:
        return -contexts.candidates.astype(float)


def test_the_first_session_of_a_reader_is_the_same_whatever_policy_acts() -> None:
    """Until a reader has seen anything, all worlds are one; later ones share chance, and not what came of it."""
    market = small_market(users=300)
    runs = [run_alone(market, policy, days=5) for policy in (ByChance(), BySimilarity())]
    firsts = []
    for days in runs:
        users = column(days, "users")
        _, place = np.unique(users, return_index=True)
        firsts.append((users[place], column(days, "at")[place], column(days, "candidates")[place]))

    for one, other in zip(*firsts, strict=True):
        assert np.array_equal(one, other)
    days_of = [np.concatenate([day.sessions.users * 10 + day.day for day in days]) for days in runs]
    both = len(set(days_of[0]) & set(days_of[1])) / len(set(days_of[0]))
    assert both > 0.9


def test_another_noise_is_another_course_of_things_for_the_same_readers() -> None:
    """And the label tells which."""
    market = small_market(users=300)
    one, other = (run_alone(market, ByChance(), days=2, noise_seed=seed) for seed in (1, 99))

    assert _same(one[0], run_alone(market, ByChance(), days=1)[0])
    assert not np.array_equal(one[0].sessions.users, other[0].sessions.users)
    assert one[0].label["noise_seed"] == "1"
    assert other[0].label["noise_seed"] == "99"


def test_each_arm_learns_from_its_own_readers_and_from_nothing_else() -> None:
    """All of its impressions and clicks, once."""
    market, arms = small_market(users=200), [ByChance(), BySimilarity()]
    assignment = halves(market)
    treatments = {str(number): treat(market, arm) for number, arm in enumerate(arms)}

    days = list(run_days(market, treatments, assignment, plan=Plan(days=5)))

    for number, arm in enumerate(arms):
        readers = np.flatnonzero(assignment == number)
        assert np.isin(np.concatenate([each.users for each in arm.asked]), readers).all()
        assert np.isin(np.concatenate([each.users for each in arm.taught]), readers).all()
        impressions = sum(len(each.users) for each in arm.taught)
        assert impressions == 4 * (column(days, "arms") == number).sum()
        rewards = sum(each.rewards.sum() for each in arm.taught)
        assert rewards == column(days, "clicks")[column(days, "arms") == number].sum()


def test_what_is_taught_is_what_was_shown_slate_by_slate_in_the_order_of_places() -> None:
    """Policies may rely on it."""
    market, policy = small_market(), ByChance()
    days = run_alone(market, policy, days=3, with_propensities=True)

    for day, taught in zip(days, policy.taught, strict=True):
        assert (taught.positions.reshape(-1, 4) == np.arange(4)).all()
        assert (taught.items.reshape(-1, 4) == day.sessions.slates).all()
        assert (taught.rewards.reshape(-1, 4) == day.sessions.clicks).all()
        assert (taught.users.reshape(-1, 4) == day.sessions.users[:, None]).all()
        assert (taught.propensities == 1 / 15).all()


def test_taught_vectors_are_those_with_which_the_feed_was_made() -> None:
    """Not those that the click itself has moved."""
    market, policy = small_market(feedback_days=2), BySimilarity()
    run_alone(market, policy, days=6)

    asked = {
        (int(user), each.day, vector.tobytes())
        for each in policy.asked
        for user, vector in zip(each.users, each.user_vectors, strict=True)
    }
    for day, each in enumerate(policy.taught):
        for user, vector in zip(each.users.tolist(), each.user_vectors, strict=True):
            assert (user, day, vector.tobytes()) in asked


def test_a_readers_vector_is_the_mean_of_what_was_clicked_and_the_group_the_most_clicked_one() -> None:
    """Followed click by click."""
    market, policy = small_market(users=40), BySimilarity()
    days = run_alone(market, policy, days=12)
    items = usual_items(market.observables)

    clicked: dict[int, list[int]] = {}
    asked = iter(policy.asked)
    for day in days:
        for slot in range(int(day.sessions.slots.max(initial=-1)) + 1):
            contexts, held = next(asked), day.sessions.slots == slot
            for row, user in enumerate(contexts.users.tolist()):
                known = clicked.get(user, [])
                wanted = items.vectors[known].mean(axis=0) if known else np.zeros(16)
                assert contexts.user_vectors[row] == pytest.approx(wanted)
                most = np.bincount(items.groups[known], minlength=1)
                assert contexts.user_groups[row] == (1 + most.argmax() if known else 0)
            for user, slate, clicks in zip(
                day.sessions.users[held].tolist(),
                day.sessions.slates[held],
                day.sessions.clicks[held],
                strict=True,
            ):
                clicked.setdefault(user, []).extend(slate[clicks].tolist())


@pytest.mark.parametrize("delay", [1, 3])
def test_feedback_is_pending_for_so_many_days(delay: int) -> None:
    """Nothing is taught before it is settled."""
    market, policy = small_market(feedback_days=delay), ByChance()
    run = run_days(market, {"only": treat(market, policy)}, everybody(market), plan=Plan(days=6))
    counts = [len(policy.taught) for _ in run]

    assert counts == [max(0, day + 2 - delay) for day in range(6)]


def test_a_reward_of_inquiries_counts_those_that_are_accepted_in_time() -> None:
    """Neither late ones nor declined ones."""
    numbers: dict[str, Any] = {"reward": "inquiry", "feedback_days": 3, "inquiry_rate": 1.0, "capacity": True}
    market, policy = small_market(users=300, **numbers), ByChance()
    days = run_alone(market, policy, days=8)

    impressions = np.concatenate([day.inquiries.impressions for day in days])
    accepted = np.concatenate([day.inquiries.accepted for day in days])
    arrived = np.concatenate([np.full(len(day.inquiries.users), day.day) for day in days])
    session_days = np.concatenate([np.full(len(day.sessions.users), day.day) for day in days])
    sent = session_days[impressions // 4]
    in_time = accepted & (arrived - sent < 3) & (sent <= 5)
    assert 0 < in_time.sum() < len(in_time)
    assert sum(each.rewards.sum() for each in policy.taught) == in_time.sum()
    assert not accepted.all()


@pytest.mark.parametrize("teaches", [True, False])
def test_the_warm_up_shows_everybody_the_same_and_teaches_all_arms_or_none(*, teaches: bool) -> None:
    """Afterwards it shows nothing any more."""
    market, incumbent, arms = small_market(), ByChance(), [ByChance(), ByChance()]
    warm_up = WarmUp(days=3, treatment=treat(market, incumbent), teaches=teaches)
    treatments = {str(number): treat(market, arm) for number, arm in enumerate(arms)}

    run = run_days(market, treatments, halves(market), plan=Plan(days=2, warm_up=warm_up))
    before = [next(run) for _ in range(3)]

    assert [day.day for day in before] == [-3, -2, -1]
    assert (column(before, "arms") == -1).all()
    assert not arms[0].asked
    assert len(incumbent.taught) == 3
    for arm in arms:
        assert len(arm.taught) == (3 if teaches else 0)
        for one, other in zip(arm.taught, incumbent.taught, strict=False):
            assert (one.items == other.items).all()
    asked = len(incumbent.asked)
    after = list(run)
    assert (column(after, "arms") >= 0).all()
    assert len(incumbent.asked) == asked


def test_an_arm_that_is_its_own_warm_up_learns_each_thing_once() -> None:
    """As the other arm does."""
    market, control, other = small_market(), ByChance(), ByChance()
    treatment = treat(market, control)
    plan = Plan(days=1, warm_up=WarmUp(days=2, treatment=treatment))
    run = run_days(market, {"control": treatment, "other": treat(market, other)}, halves(market), plan=plan)

    before = [next(run) for _ in range(2)]

    assert sum(len(each.users) for each in control.taught) == 4 * len(column(before, "users"))
    assert sum(len(each.users) for each in other.taught) == 4 * len(column(before, "users"))


def test_readers_in_no_arm_keep_what_was_there_and_teach_nobody() -> None:
    """Also not the learner of what was there."""
    market, incumbent, arm = small_market(), ByChance(), ByChance()
    assignment = halves(market) - 1
    plan = Plan(days=3, warm_up=WarmUp(days=0, treatment=treat(market, incumbent)))

    list(run_days(market, {"arm": treat(market, arm)}, assignment, plan=plan))

    outside = np.flatnonzero(assignment == -1)
    assert np.isin(np.concatenate([each.users for each in incumbent.asked]), outside).all()
    assert not np.isin(np.concatenate([each.users for each in arm.taught]), outside).any()
    assert not incumbent.taught


def test_each_arm_sees_vendors_and_readers_in_its_own_space() -> None:
    """So that embeddings can be compared."""
    market, arms = small_market(), [ByChance(), ByChance()]
    plain = usual_items(market.observables)
    spaces = [plain, Items(vectors=plain.vectors[:, :3], groups=np.zeros(60, int))]
    treatments = {
        str(number): Treatment(policy=arm, items=items)
        for number, (arm, items) in enumerate(zip(arms, spaces, strict=True))
    }

    list(run_days(market, treatments, halves(market), plan=Plan(days=3)))

    assert {each.user_vectors.shape[1] for each in arms[0].asked + arms[0].taught} == {16}
    assert {each.user_vectors.shape[1] for each in arms[1].asked + arms[1].taught} == {3}


def test_agents_cost_and_take_their_time() -> None:
    """By the prices of the world."""
    market = small_market(users=400)
    days = [
        list(run_days(market, {"a": treat(market, agent_calls=agents)}, everybody(market), plan=Plan(days=2)))
        for agents in (0, 4, 6)
    ]

    world = market.world
    for agents, each in zip((0, 4, 6), days, strict=True):
        assert column(each, "costs") == pytest.approx(world.feed_dollars + agents * world.agent_call_dollars)
        middle = np.median(column(each, "latencies"))
        assert middle == pytest.approx(
            world.latency_milliseconds + agents * world.agent_milliseconds, rel=0.1
        )


def test_diversity_is_the_mean_distance_of_all_pairs() -> None:
    """Pair by pair."""
    market = small_market()
    day = run_alone(market, ByChance(), days=1)[0]

    for slate, found in zip(day.sessions.slates, day.sessions.diversity, strict=True):
        directions = market.vendors.directions[slate]
        pairs = [directions[i] @ directions[j] for i in range(4) for j in range(i)]
        assert found == pytest.approx(1 - np.mean(pairs))


def test_a_world_in_which_nobody_comes_has_empty_days() -> None:
    """With columns of the right width."""
    market = small_market(users=1, return_base=0.0, return_satisfaction=0.0)

    days = run_alone(market, ByChance(), days=3)

    assert [len(day.sessions.users) for day in days] == [0, 0, 0]
    assert days[0].sessions.slates.shape == (0, 4)


def test_without_an_oracle_there_is_no_regret_and_all_else_is_the_same() -> None:
    """It is only looked at, and changes nothing."""
    market = small_market()
    one, other = (run_alone(market, ByChance(), days=2, with_oracle=each) for each in (True, False))

    assert np.isnan(column(other, "regrets")).all()
    assert np.array_equal(column(one, "clicks"), column(other, "clicks"))


def _two(market: Market) -> dict[str, Treatment]:
    return {"a": treat(market), "b": treat(market)}


def _shared(market: Market) -> dict[str, Treatment]:
    policy = ByChance()
    return {"a": treat(market, policy), "b": treat(market, policy)}


def _with_items(change: Callable[[Items], Items]) -> Callable[[Market], dict[str, Treatment]]:
    def make(market: Market) -> dict[str, Treatment]:
        good = treat(market)
        return {"a": good, "b": Treatment(policy=ByChance(), items=change(good.items))}

    return make


class _Wrong(ByChance):
    def __init__(self, change: Callable[[np.ndarray, Contexts], np.ndarray]) -> None:
        super().__init__()
        self._change = change

    def choose(self, contexts: Contexts, **options: Any) -> Slates:
        slates = super().choose(contexts, **options)
        items = self._change(slates.items.copy(), contexts)
        return Slates(items=items, propensities=np.full(items.shape, np.nan))


def _twice(items: np.ndarray, contexts: Contexts) -> np.ndarray:
    items[-1, 1] = items[-1, 0]
    return items


def _no_candidate(items: np.ndarray, contexts: Contexts) -> np.ndarray:
    items[0, 0] = next(each for each in range(60) if each not in contexts.candidates[0])
    return items


def _nobody(items: np.ndarray, contexts: Contexts) -> np.ndarray:
    items[0, 0] = -1
    return items


def _too_high(items: np.ndarray, contexts: Contexts) -> np.ndarray:
    items[0, 0] = 10**6
    return items


def _shorter(items: np.ndarray, contexts: Contexts) -> np.ndarray:
    return items[:, :2]


@pytest.mark.parametrize(
    ("make", "assignment", "code"),
    [
        (lambda _: {}, None, "EXP121"),
        (_two, np.zeros(59, int), "EXP121"),
        (_two, np.full(60, 2), "EXP121"),
        (_two, np.full(60, -2), "EXP121"),
        (_two, np.full(60, -1), "EXP121"),
        (_two, np.zeros(60), "EXP121"),
        (_shared, None, "EXP122"),
        (_with_items(lambda it: replace(it, vectors=it.vectors[:-1])), None, "EXP123"),
        (_with_items(lambda it: replace(it, vectors=it.vectors * np.nan)), None, "EXP123"),
        (_with_items(lambda it: replace(it, groups=it.groups - 50)), None, "EXP123"),
        (_with_items(lambda it: replace(it, groups=it.groups[:3])), None, "EXP123"),
    ],
)
def test_arms_that_do_not_fit_are_refused(
    make: Callable[[Market], dict[str, Treatment]], assignment: np.ndarray | None, code: str
) -> None:
    """Before anything happens."""
    market = small_market()
    given = np.zeros(60, int) if assignment is None else assignment

    with pytest.raises(UsageError) as caught:
        next(run_days(market, make(market), given, plan=Plan(days=1)))

    assert caught.value.code == code


@pytest.mark.parametrize("change", [_twice, _no_candidate, _nobody, _too_high, _shorter])
def test_a_policy_that_shows_what_it_may_not_is_refused(
    change: Callable[[np.ndarray, Contexts], np.ndarray],
) -> None:
    """Whatever it is."""
    market = small_market()

    with pytest.raises(UsageError) as caught:
        run_alone(market, _Wrong(change), days=1)

    assert caught.value.code == "EXP124"


def test_profiles_of_readers_who_clicked_nothing_are_empty() -> None:
    """Zeros, and group 0."""
    market = small_market()
    profiles = Profiles(usual_items(market.observables), users=60)

    assert (profiles.vectors_of(np.arange(60)) == 0).all()
    assert (profiles.groups_of(np.arange(60)) == 0).all()
