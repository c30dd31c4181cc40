"""Delayed rewards: what is open counts neither way, and nothing is ever counted twice."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ranking.scene import ARMS

from opsctl.ranking.pending import Outcome, Play, Reward, Settlement, settle
from opsctl.ranking.thompson import initial_arms, update_arms

WINDOW = 100.0
PLAYS = st.lists(
    st.builds(
        Play,
        decision_id=st.uuids().map(str),
        arm=st.sampled_from(ARMS),
        at_seconds=st.integers(0, 500).map(float),
    ),
    max_size=12,
    unique_by=lambda play: play.decision_id,
)


def _written_back(plays: list[Play], settlement: Settlement) -> list[Play]:
    return [replace(play, outcome=settlement.changed.get(play.decision_id, play.outcome)) for play in plays]


@given(plays=PLAYS, data=st.data())
def test_many_settlements_count_as_one_that_knew_all(plays: list[Play], data: st.DataObject) -> None:
    """Rewards arrive in any order, late and repeatedly; the learner wakes at any times."""
    rewards = [
        Reward(decision_id=play.decision_id, at_seconds=play.at_seconds + data.draw(st.integers(-5, 120)))
        for play in plays
        for _ in range(data.draw(st.integers(0, 2)))
    ]
    arrived_at = [data.draw(st.integers(0, 700)) for _ in rewards]
    state, open_plays = initial_arms(ARMS), list(plays)

    for now in [*sorted(data.draw(st.lists(st.integers(0, 700), max_size=4))), 1000, 1000]:
        known = [reward for reward, arrived in zip(rewards, arrived_at, strict=True) if arrived <= now]
        told = settle(open_plays, known, now_seconds=now, window_seconds=WINDOW)
        open_plays = _written_back(open_plays, told)
        state = update_arms(state, successes=told.successes, failures=told.failures, late=told.late)

    at_once = settle(plays, rewards, now_seconds=1000, window_seconds=WINDOW)
    expected = update_arms(initial_arms(ARMS), successes=at_once.successes, failures=at_once.failures)
    assert (state.alpha, state.beta) == (expected.alpha, expected.beta)
    assert sum(state.alpha) + sum(state.beta) == 2 * len(ARMS) + len(plays)


@given(plays=PLAYS, now=st.integers(0, 700))
def test_each_play_is_a_success_a_failure_or_pending(plays: list[Play], now: int) -> None:
    """Exactly one of them; open as long as the window is."""
    told = settle(plays, [], now_seconds=now, window_seconds=WINDOW)

    assert len(told.pending) + len(told.changed) == len(plays)
    assert set(told.pending) == {play.decision_id for play in plays if now - play.at_seconds <= WINDOW}
    assert sum(told.failures.values()) == len(told.changed)


def _settle_one(outcome: Outcome, *, now: float, rewarded_at: float | None) -> Settlement:
    play = Play(decision_id="d", arm="fresh", at_seconds=0, outcome=outcome)
    rewards = [] if rewarded_at is None else [Reward(decision_id="d", at_seconds=rewarded_at)]
    return settle([play], rewards, now_seconds=now, window_seconds=WINDOW)


def test_a_reward_counts_at_once() -> None:
    """The window need not close first."""
    assert _settle_one(Outcome.PENDING, now=1, rewarded_at=1).successes == {"fresh": 1}


@pytest.mark.parametrize("rewarded_at", [-1.0, 100.5])
def test_a_reward_outside_the_window_counts_for_nothing(rewarded_at: float) -> None:
    """Before the play and after the window."""
    told = _settle_one(Outcome.PENDING, now=200, rewarded_at=rewarded_at)

    assert (told.successes, told.failures) == ({}, {"fresh": 1})


def test_a_reward_that_was_in_time_but_came_late_corrects_the_failure() -> None:
    """It is told as late, not as a success."""
    told = _settle_one(Outcome.FAILURE, now=300, rewarded_at=50)

    assert (told.successes, told.failures, told.late) == ({}, {}, {"fresh": 1})
    assert told.changed == {"d": Outcome.SUCCESS}


@pytest.mark.parametrize("outcome", [Outcome.SUCCESS, Outcome.FAILURE])
def test_what_was_told_is_not_told_again(outcome: Outcome) -> None:
    """A settled play without news changes nothing."""
    told = _settle_one(outcome, now=300, rewarded_at=50 if outcome is Outcome.SUCCESS else None)

    assert (told.changed, told.pending) == ({}, ())


def test_rewards_of_unknown_decisions_are_passed_over_and_twins_refused() -> None:
    """A reward may belong to another learner's plays; a play given twice would count twice."""
    play = Play(decision_id="d", arm="fresh", at_seconds=0)

    told = settle([], [Reward(decision_id="d", at_seconds=1)], now_seconds=1, window_seconds=1)

    assert told.changed == {}
    with pytest.raises(ValueError, match="twice"):
        settle([play, play], [], now_seconds=1, window_seconds=1)
