"""Readers in an experiment get what their arm says, are written down once a day, and teach no other arm."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from psycopg.errors import CheckViolation
from tests.service.feed.world import Clock, Worker, World, worker

from opsctl.clients.postgres import connect
from opsctl.experiments.book import Experiment
from opsctl.experiments.registry import Started, spec_of, start_now
from opsctl.ranking.defaults import DIVERSITY
from opsctl.service.book import Ranking
from opsctl.service.feed.experiments_follow import ExperimentsFollower
from opsctl.service.feed.treatments import Treatments, check_settings
from opsctl.service.model import FeedRequest
from opsctl.store.experiments import end_experiment, raise_ramp, start_experiment
from opsctl.store.exposures import leaked_decisions
from opsctl.store.learning import Learned, read_newest
from opsctl.store.readers import NewInteraction

DAY = 86_400.0
SIX = ["discovery", "quality", "archivist", "serendipity", "engagement_forecaster", "custom"]


def experiment(settings: dict[str, Any], *, isolated: bool = True, **more: Any) -> Experiment:
    """Return a book of two arms, the second with these settings."""
    return Experiment.model_validate(
        {
            "title": "four or six agents",
            "hypothesis": "six agents find more than four",
            "owner": "ranking",
            "decision": "ship six if they are better",
            "arms": {"control": {"weight": 0.5}, "changed": {"weight": 0.5, "settings": settings}},
            "horizon": "14d",
            "metrics": {"clicks": {"kind": "mean", "events": ["click"], "role": "primary"}},
            "isolated_learners": isolated,
        }
        | more
    )


def started(name: str, book: Experiment) -> Started:
    """Return an experiment that runs."""
    return start_now(book, name=name, at=datetime(2026, 11, 29, tzinfo=UTC))


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    """Run a scenario in a loop of its own."""
    asyncio.run(scenario())  # type: ignore[arg-type]  # a coroutine function


def test_without_experiments_everybody_gets_the_book() -> None:
    """No arm, no learner of its own."""
    treatments = Treatments(Ranking())

    treatment = treatments.of(7)

    assert (treatment.settings, treatment.learner, treatment.arms) == (Ranking(), "", {})


def test_a_reader_gets_the_settings_of_the_arm_and_a_learner_of_that_arm() -> None:
    """The same reader always; readers of the control keep the book's settings."""
    treatments = Treatments(Ranking())
    treatments.take([started("diverse", experiment({"diversity": 0.6}))])

    found = {user: treatments.of(user) for user in range(200)}

    assert {(each.arms["diverse"], each.settings.diversity, each.learner) for each in found.values()} == {
        ("control", DIVERSITY, "diverse/control"),
        ("changed", 0.6, "diverse/changed"),
    }
    assert all(treatments.of(user) == treatment for user, treatment in found.items())


def test_two_experiments_at_once_give_every_combination() -> None:
    """Their arms are drawn independently of each other."""
    treatments = Treatments(Ranking())
    treatments.take(
        [
            started("diverse", experiment({"diversity": 0.6}, isolated=False)),
            started("curious", experiment({"exploration_share": 0.3})),
        ]
    )

    found = {
        (one.settings.diversity, one.settings.exploration_share, one.learner)
        for one in map(treatments.of, range(400))
    }

    assert found == {
        (diversity, share, f"curious/{arm}")
        for diversity in (DIVERSITY, 0.6)
        for share, arm in ((0.1, "control"), (0.3, "changed"))
    }


def test_experiments_that_fit_alone_and_not_together_cost_no_feed() -> None:
    """One arm asks for the custom agent with the book's weights, another experiment's arm takes the weights away."""
    treatments = Treatments(Ranking(custom_weights={"quality": 1.0}))
    treatments.take(
        [
            started("agents", experiment({"agents": SIX})),
            started("weights", experiment({"custom_weights": None})),
        ]
    )

    found = [treatments.of(user) for user in range(200)]

    assert {each.arms.get("weights") for each in found} == {"control", "changed", None}
    assert all("weights" in each.arms for each in found if each.arms["agents"] == "control")
    assert all(each.settings.custom_weights for each in found if "custom" in each.settings.agents)


def test_what_is_taken_while_a_feed_is_made_does_not_cost_that_feed() -> None:
    """An experiment ends in a thread between a reader's assignment and what follows from it."""
    treatments = Treatments(Ranking())
    treatments.take([started("diverse", experiment({"diversity": 0.6}))])
    (running,) = treatments._now.running
    assign = running.assign

    def ends_meanwhile(unit: str) -> str | None:
        treatments.take([])
        return assign(unit)

    treatments._now = replace(treatments._now, running=(replace(running, assign=ends_meanwhile),))

    assert set(treatments.of(7).arms) == {"diverse"}
    assert treatments.of(7).arms == {}


def test_an_experiment_that_the_service_cannot_hold_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    """Whole, so that no arm loses its readers; the others go on."""
    treatments = Treatments(Ranking())

    treatments.take(
        [
            started("wrong", experiment({"diversity": 7})),
            started("right", experiment({"diversity": 0.6})),
        ]
    )

    assert treatments.names == ("right",)
    assert "experiment `wrong` is left out: diversity: " in caplog.text


@pytest.mark.parametrize(
    ("wanted", "isolated", "why"),
    [
        ({"half_life": "1d"}, True, "an arm cannot set `half_life`"),
        ({"agents": SIX[:5]}, False, "an arm that sets `agents` needs `isolated_learners: true`"),
        ({"agents": ["custom"]}, True, "agent `custom` needs `custom_weights`"),
    ],
)
def test_what_an_arm_cannot_set_is_refused(
    wanted: dict[str, object],
    isolated: bool,  # noqa: FBT001 - a parameter of the test
    why: str,
) -> None:
    """With the key, and what would help."""
    with pytest.raises(ValueError, match=why):
        check_settings(Ranking(), wanted, is_isolated=isolated)


@pytest.mark.slow
@pytest.mark.stack
def test_exposures_are_written_once_a_day_with_what_analysis_divides_by(world: World, folder: Path) -> None:
    """However often the reader comes, and however many workers see the reader."""

    async def scenario() -> None:
        clock = Clock()
        async with worker(world, folder, clock=clock) as one:
            take(one, {"diversity": 0.6})
            for _ in range(3):
                for user in range(1, 21):
                    await one.parts.builder.build(FeedRequest(user_id=user, limit=5))
            await one.parts.stages.exposures.flush()
            first = await exposures(one)
            clock.seconds += DAY
            await one.parts.builder.build(FeedRequest(user_id=1, limit=5))
            await one.parts.stages.exposures.flush()
            second = await exposures(one)

        assert len(first) == 20
        assert {row[2] for row in first} == {"control", "changed"}
        assert {row[0] for row in first} == {"agents"}
        assert all(row[3]["segment"] == "cold" or row[3]["segment"] for row in first)
        assert len(second) == 21

    run(scenario)


@pytest.mark.stack
def test_exposures_that_the_database_refused_come_again_with_the_next_feed(
    world: World, folder: Path
) -> None:
    """They were counted as dropped; once the database takes them, the same readers of the same day are written."""

    async def scenario() -> None:
        async with worker(world, folder) as one:
            take(one, {"diversity": 0.6})
            log = one.parts.stages.exposures
            with connect(world.database) as connection:
                connection.execute(
                    "alter table experiment_exposures add constraint refused check (unit_id <> '2')"
                )
                connection.commit()
                await _feeds(one)
                with pytest.raises(CheckViolation):
                    await log.flush()
                refused, waiting = await exposures(one), log.waiting
                connection.execute("alter table experiment_exposures drop constraint refused")
                connection.commit()
            await _feeds(one)
            await log.flush()
            await _feeds(one)
            await log.flush()
            written = await exposures(one)

        assert (refused, waiting) == ([], 0)
        assert sorted(unit for _, unit, _, _ in written) == ["1", "2", "3"]

    run(scenario)


async def _feeds(one: Worker) -> None:
    for user in (1, 2, 3):
        await one.parts.builder.build(FeedRequest(user_id=user, limit=5))


@pytest.mark.stack
def test_what_the_database_says_is_followed(world: World, folder: Path) -> None:
    """A start is taken up, a ramp too, an end is; a row that nobody here can read holds up none of the others."""

    async def scenario() -> None:
        async with worker(world, folder) as one:
            follower = ExperimentsFollower(one.database, treatments=one.parts.stages.treatments)
            with connect(world.database) as connection:
                book = spec_of(experiment({"diversity": 0.6}))
                for name, spec in (("diverse", book), ("foreign", {"version": 99})):
                    start_experiment(connection, name=name, spec=spec, digest="a" * 64, ramp=0.5)
                connection.commit()
                await follower.step()
                half = sum(1 for user in range(400) if one.parts.stages.treatments.of(user).arms)
                raise_ramp(connection, "diverse", ramp=1.0)
                connection.commit()
                await follower.step()
                whole = sum(1 for user in range(400) if one.parts.stages.treatments.of(user).arms)
                end_experiment(connection, "diverse")
                connection.commit()
                await follower.step()

        assert 150 < half < 250
        assert whole == 400
        assert one.parts.stages.treatments.names == ()

    run(scenario)


@pytest.mark.stack
def test_what_readers_of_one_arm_do_teaches_no_other(world: World, folder: Path) -> None:
    """Each arm's states hold exactly the plays of its own readers; the service's own learner learns nothing of them."""

    async def scenario() -> None:
        clock = Clock()
        async with worker(world, folder, clock=clock) as one:
            take(one, {"agents": SIX[:5]})
            feeds = [
                await one.parts.builder.build(FeedRequest(user_id=user, limit=20)) for user in range(1, 31)
            ]
            await one.parts.log.flush()
            six = next(feed for feed in feeds if feed.experiments["agents"] == "changed")
            await one.interactions.record(
                [
                    NewInteraction(
                        idempotency_key="bought",
                        kind="purchase",
                        user_id=six.user_id,
                        content_id=next(item for item in six.items if item.explored_by).content_id,
                        occurred_at=one.clock.ago(-60),
                        feed_id=six.feed_id,
                    )
                ]
            )
            clock.seconds += 1.1 * DAY
            await one.learner.step()
            async with one.database.connection("test") as connection:
                learned = {
                    arm: await read_newest(connection, learner=f"agents/{arm}")
                    for arm in ("control", "changed")
                }
                shared = await read_newest(connection)

        assert {len(feed.items[0].agents) for feed in feeds if feed.experiments["agents"] == "changed"} == {5}
        plays = {
            arm: sum(1 for feed in feeds if feed.arm and feed.experiments["agents"] == arm)
            for arm in ("control", "changed")
        }
        assert shared == {}
        for arm, states in learned.items():
            state = states[Learned.ARMS].state
            assert sum(state["alpha"]) + sum(state["beta"]) - 8 == plays[arm]
        assert sum(learned["control"][Learned.ARMS].state["alpha"]) == 4
        assert sum(learned["changed"][Learned.ARMS].state["alpha"]) == 5
        assert learned["changed"][Learned.POLICY].state["agents"] == SIX[:5]

    run(scenario)


def take(one: Worker, settings: dict[str, Any]) -> None:
    """Start an experiment called `agents`."""
    one.parts.stages.treatments.take([started("agents", experiment(settings))])


async def exposures(one: Worker) -> list[tuple[Any, ...]]:
    """Return what is written of exposures."""
    async with one.database.connection("test") as connection:
        rows = await connection.execute(
            "select experiment, unit_id, variant, attributes from experiment_exposures order by id"
        )
        return await rows.fetchall()


@pytest.mark.stack
def test_a_decision_that_would_teach_another_arm_is_found(world: World, folder: Path) -> None:
    """None of those that the service makes; one that somebody wrote by hand is."""

    async def scenario() -> None:
        async with worker(world, folder) as one:
            take(one, {"agents": SIX[:5]})
            feeds = [
                await one.parts.builder.build(FeedRequest(user_id=user, limit=5)) for user in range(1, 9)
            ]
            await one.parts.log.flush()
            await one.parts.stages.exposures.flush()
            with connect(world.database) as connection:
                clean = leaked_decisions(connection, "agents")
                wrong = "agents/" + ("control" if feeds[0].experiments["agents"] == "changed" else "changed")
                connection.execute(
                    "update feed_decisions set learner = %s where feed_id = %s", [wrong, feeds[0].feed_id]
                )
                found = leaked_decisions(connection, "agents")

        assert (clean, found) == (0, 1)

    run(scenario)
