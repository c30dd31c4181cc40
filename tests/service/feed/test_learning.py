"""What feeds brought is learnt, once: arms, policy, late rewards, and what happens when two learn at a time."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest
from tests.service.feed.world import Clock, Worker, World, worker

from opsctl.clients.postgres import connect
from opsctl.ranking.model import Floats, PolicyState
from opsctl.ranking.policy import policy_figures, sample_logits, softmax
from opsctl.service.book import Ranking, ServiceBook
from opsctl.service.cache import keys
from opsctl.service.feed.learn import _LOCK, Learnt
from opsctl.service.feed.learned import policy_of
from opsctl.service.feed.rewards import WORTH, has_paid, reward_of
from opsctl.service.model import Feed, FeedRequest
from opsctl.store.decisions import Decision, insert_decisions
from opsctl.store.learning import Learned, read_state
from opsctl.store.readers import NewInteraction

pytestmark = pytest.mark.stack

DAY = 86_400.0


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    """Run a scenario in a loop of its own."""
    asyncio.run(scenario())  # type: ignore[arg-type]  # a coroutine function


async def build(one: Worker, *, users: int) -> list[Feed]:
    """Build a feed for each user, and log them."""
    feeds = [
        await one.parts.builder.build(FeedRequest(user_id=user, limit=20)) for user in range(1, users + 1)
    ]
    await one.parts.log.flush()
    return feeds


async def react(one: Worker, feed: Feed, kind: str, *, explored: bool) -> None:
    """Let the reader do something with an item of a feed."""
    item = next(each for each in feed.items if (each.explored_by is not None) == explored)
    deed = NewInteraction(
        idempotency_key=f"{feed.feed_id}-{kind}-{explored}",
        kind=kind,
        user_id=feed.user_id,
        content_id=item.content_id,
        occurred_at=one.clock.ago(-60),
        feed_id=feed.feed_id,
    )
    await one.interactions.record([deed])


async def arms(one: Worker) -> dict[str, tuple[float, float]]:
    """Return alpha and beta by arm as they are stored."""
    async with one.database.connection("test") as connection:
        stored = await read_state(connection, Learned.ARMS)
    assert stored is not None
    state = stored.state
    return dict(zip(state["names"], zip(state["alpha"], state["beta"], strict=True), strict=True))


def test_nothing_is_learnt_while_windows_are_open(world: World, folder: Path) -> None:
    """No arm is blamed for what can still happen."""

    async def scenario() -> None:
        async with worker(world, folder) as one:
            await build(one, users=3)
            learnt = await one.learner.step()
            await one.learner.tell()
            pending = one.sample("ranking_thompson_pending")

        assert learnt == Learnt()
        assert pending == 3

    run(scenario)


def test_a_closed_window_teaches_arms_and_policy_once(world: World, folder: Path) -> None:
    """The rewarded arm gains a success, the others failures; the next feed knows; a second look learns nothing."""

    async def scenario() -> None:
        clock = Clock()
        async with worker(world, folder, clock=clock) as one:
            feeds = await build(one, users=6)
            await react(one, feeds[0], "purchase", explored=True)
            await react(one, feeds[1], "save", explored=False)
            clock.seconds += 1.1 * DAY
            learnt = await one.learner.step()
            again = await one.learner.step()
            known = await arms(one)
            await one.learner.tell()
            later = await one.parts.builder.build(FeedRequest(user_id=50, limit=20))
            best = sum(one.sample("ranking_thompson_p_best_ratio", arm=arm) for arm in known)
            weights = sum(
                one.sample("ranking_policy_weight_ratio", agent=name)
                for name in ("discovery", "quality", "archivist", "serendipity")
            )

        plays = [feed.arm for feed in feeds]
        assert (learnt.closed, learnt.has_changed, again) == (6, True, Learnt())
        assert known[str(feeds[0].arm)][0] == 2
        assert sum(alpha - 1 for alpha, _ in known.values()) == 1
        assert sum(beta - 1 for _, beta in known.values()) == len([arm for arm in plays if arm]) - 1
        assert (later.arms_version, later.policy_version) == (1, 1)
        assert best == pytest.approx(1)
        assert weights == pytest.approx(1)

    run(scenario)


PLANTED = np.array([0.1, 0.2, 0.6, 0.1])
# By the hour instead of the minute: two days are 48 updates, each 24 states behind.
HOURLY = ServiceBook(ranking=Ranking(attribution_window="24h", update_every="1h"))


async def policy_at_hand(one: Worker) -> PolicyState:
    """Return the newest policy."""
    async with one.database.connection("test") as connection:
        return policy_of(await read_state(connection, Learned.POLICY), settings=HOURLY.ranking)


async def live_an_hour(one: Worker, hour: int) -> None:
    """Let eight readers get feeds of the policy at hand, and like them the more the nearer its weights are to the best."""
    policy, context = await policy_at_hand(one), np.array([1.0, 0.0, 0.0])
    generator = np.random.Generator(np.random.PCG64(hour))
    made, deeds = [], []
    for user, logits in enumerate(sample_logits(policy, context=context, generator=generator, samples=8), 1):
        made.append(
            Decision(
                feed_id=f"{hour}-{user}",
                user_id=user,
                decided_at=one.clock.moment,
                content_ids=(1,),
                policy_version=policy.version,
                logits=dict(zip(policy.agents, logits.tolist(), strict=True)),
                context=tuple(context.tolist()),
            )
        )
        deeds.append(deed_for(softmax(logits)))
    one.world.execute(
        "insert into interactions (idempotency_key, kind, user_id, content_id, occurred_at, feed_id)"
        " select %(hour)s || '-' || number, kind, number, 1, %(at)s, %(hour)s || '-' || number"
        " from unnest(%(deeds)s::text[]) with ordinality as each (kind, number)",
        {"hour": str(hour), "at": one.clock.ago(-60), "deeds": deeds},
    )
    async with one.database.connection("test") as connection:
        await insert_decisions(connection, made)


def deed_for(weights: Floats) -> str:
    """Return the deed whose worth is nearest to what these weights deserve."""
    deserved = 1.0 - 2.5 * float(np.square(weights - PLANTED).sum())
    return min(WORTH, key=lambda kind: abs(WORTH[kind] - deserved))


@pytest.mark.slow
def test_every_update_with_due_decisions_takes_a_step_though_rewards_come_a_day_late(
    world: World, folder: Path
) -> None:
    """The policy of a decision is many versions old by then; weighed by how likely it is now, it still teaches."""

    async def scenario() -> None:
        clock = Clock()
        world.execute("insert into users (id) select generate_series(1, 8) on conflict do nothing")
        async with worker(world, folder, clock=clock, service=HOURLY) as one:
            closed = []
            for hour in range(72):
                await live_an_hour(one, hour)
                clock.seconds += 3600
                closed.append((await one.learner.step()).closed)
            steps = one.sample("ranking_policy_updates_total", outcome="applied")
            learned = await policy_at_hand(one)

        figures = policy_figures(learned, contexts=np.array([[1.0, 0.0, 0.0]]), seed=1)
        assert sum(count > 0 for count in closed) == 48
        assert steps == learned.version == 48
        assert int(np.argmax(figures.mean_weights)) == int(PLANTED.argmax())
        assert np.abs(np.array(figures.mean_weights) - PLANTED).sum() < np.abs(0.25 - PLANTED).sum() * 0.6

    run(scenario)


def test_a_late_reward_is_put_right_once(world: World, folder: Path) -> None:
    """Done in time, told late: the failure becomes a success."""

    async def scenario() -> None:
        clock = Clock()
        async with worker(world, folder, clock=clock) as one:
            (feed,) = await build(one, users=1)
            late = one.clock.ago(-60)
            clock.seconds += 1.1 * DAY
            await one.learner.step()
            before = (await arms(one))[str(feed.arm)]
            item = next(each for each in feed.items if each.explored_by)
            world.execute("insert into users (id) values (1) on conflict do nothing")
            world.execute(
                "insert into interactions (idempotency_key, kind, user_id, content_id, occurred_at, received_at,"
                " feed_id) values ('late', 'save', 1, %s, %s, %s, %s)",
                [item.content_id, late, clock.moment, feed.feed_id],
            )
            clock.seconds += 700
            learnt = await one.learner.step()
            after = (await arms(one))[str(feed.arm)]
            clock.seconds += 700
            again = await one.learner.step()

        assert (before, after) == ((1, 2), (2, 1))
        assert (learnt.late, again.late) == (1, 0)

    run(scenario)


@pytest.mark.slow
def test_a_step_works_off_all_that_is_due_and_all_that_is_old(world: World, folder: Path) -> None:
    """Where feeds are many, more is due each minute than one batch holds: the log of decisions would grow for ever."""

    async def scenario() -> None:
        clock = Clock()
        world.execute(
            "insert into feed_decisions (feed_id, user_id, decided_at, closed_at, reward)"
            " select 'old' || n, 1, %(old)s, %(old)s, 0 from generate_series(1, 2500) as n",
            {"old": clock.ago(40 * DAY)},
        )
        world.execute(
            "insert into feed_decisions (feed_id, user_id, decided_at)"
            " select 'due' || n, 1, %(due)s from generate_series(1, 4500) as n",
            {"due": clock.ago(2 * DAY)},
        )
        world.execute(
            "insert into outbox (aggregate, aggregate_id, operation, created_at)"
            " select 'content', 987654, 'upsert', %(old)s from generate_series(1, 3)",
            {"old": clock.ago(40 * DAY)},
        )
        async with worker(world, folder, clock=clock) as one:
            learnt = await one.learner.step()
        left = world.execute(
            "select count(*) filter (where closed_at is null), count(*) filter (where starts_with(feed_id, 'old'))"
            " from feed_decisions"
        )

        changes = world.execute("select count(*) from outbox where aggregate_id = 987654")

        assert (learnt.closed, left, changes) == (4500, [(0, 0)], [(1,)])

    run(scenario)


def test_while_another_learns_nothing_is_done(world: World, folder: Path) -> None:
    """The lock belongs to the other's transaction; afterwards it goes on."""

    async def scenario() -> None:
        clock = Clock()
        async with worker(world, folder, clock=clock) as one:
            await build(one, users=2)
            clock.seconds += 1.1 * DAY
            with connect(world.database) as other:
                other.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
                while_busy = await one.learner.step()
            afterwards = await one.learner.step()

        assert (while_busy.closed, afterwards.closed) == (0, 2)

    run(scenario)


def test_a_race_for_the_next_state_rolls_everything_back(world: World, folder: Path) -> None:
    """Decisions stay open and are learnt with the next look, on top of the other's state."""

    async def scenario() -> None:
        clock = Clock()
        async with worker(world, folder, clock=clock) as one:
            await build(one, users=2)
            clock.seconds += 1.1 * DAY
            write = one.learner._write

            async def overtaken(*arguments: object, **named: object) -> None:
                world.execute(
                    "insert into thompson_arms (version, state) values (1, %s)",
                    ['{"names": ["fresh"], "alpha": [5], "beta": [1]}'],
                )
                one.learner._write = write  # type: ignore[method-assign]
                await write(*arguments, **named)  # type: ignore[arg-type]

            one.learner._write = overtaken  # type: ignore[method-assign]
            lost = await one.learner.step()
            won = await one.learner.step()
            known = await arms(one)

        assert (lost.closed, won.closed) == (0, 2)
        assert known["fresh"][0] >= 5

    run(scenario)


def test_learning_makes_every_worker_read_the_state_anew(world: World, folder: Path) -> None:
    """Their L1 entry goes by the journal."""

    async def scenario() -> None:
        clock = Clock()
        async with worker(world, folder, clock=clock) as one:
            await build(one, users=2)
            held = one.memory.get(keys.thompson())
            clock.seconds += 1.1 * DAY
            await one.learner.step()
            entry = one.memory.get(keys.thompson())

        assert held is not None
        assert entry is None

    run(scenario)


@pytest.mark.parametrize(
    ("reactions", "reward"),
    [
        ([], 0.0),
        ([(1, "view")], 0.0),
        ([(1, "click"), (1, "click")], 0.2),
        ([(1, "purchase"), (2, "inquiry")], 1.0),
        ([(item, "hide") for item in range(9)], -1.0),
        ([(1, "something new")], 0.0),
    ],
)
def test_a_reward_is_bounded_and_counts_each_deed_once(
    reactions: list[tuple[int, str]], reward: float
) -> None:
    """From -1 to 1."""
    assert reward_of(reactions) == reward


def test_exploration_has_paid_only_by_its_own_items() -> None:
    """A click elsewhere in the feed says nothing of the arm."""
    decision = Decision(
        feed_id="x",
        user_id=1,
        decided_at=Clock().moment,
        content_ids=(4, 5, 6),
        explored=(1,),
        arm="fresh",
        propensity=0.5,
    )

    assert has_paid(decision, [(5, "click")])
    assert not has_paid(decision, [(4, "click"), (5, "view"), (5, "hide")])
