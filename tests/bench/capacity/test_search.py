"""The search ends at the highest rate that holds, whatever the steps say, within its budget."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsctl.bench.capacity.search import Answer, End, Search, SearchPlan


def searched(answer_of, *, plan=None, seconds=5.0):
    """Search with a function from rate (and number of the step) to answer."""
    search = Search(plan=plan or SearchPlan())
    number = 0
    while (rate := search.next_rate()) is not None:
        search.tell(rate, answer_of(rate, number), seconds=seconds)
        number += 1
        assert number <= 200
    assert search.next_rate() is None
    return search.result()


def holding(limit):
    """Return what a service that holds so much would answer."""
    return lambda rate, _number: Answer.PASSED if rate <= limit else Answer.FAILED


@given(limit=st.floats(1.5, 900_000), start=st.floats(1, 100_000))
@settings(max_examples=200, deadline=None)
def test_the_capacity_lies_in_the_interval_that_is_found(limit, start):
    """However far the first step is from it; the interval is as narrow as asked for."""
    found = searched(holding(limit), plan=SearchPlan(start=start, most_steps=100, most_seconds=1e9))

    assert found.end is End.FOUND
    assert found.passed <= limit < found.failed <= found.passed * 1.08 * 1.0001
    assert found.is_monotone
    assert found.is_settled


def test_the_edge_is_confirmed_on_both_sides():
    """Each side was asked at least twice; what lies far from it once."""
    found = searched(holding(5000))
    asked = Counter(step.rate for step in found.steps)

    assert asked[found.passed] >= 2
    assert asked[found.failed] >= 2
    assert asked[200.0] == 1


@given(st.integers(0, 2**30), st.floats(0.0, 0.15))
@settings(max_examples=100, deadline=None)
def test_a_step_that_errs_now_and_then_does_not_lead_it_far_astray(seed, share):
    """It ends, and within half and twice the truth, when up to 15 % of the answers are wrong."""
    import random

    chance = random.Random(seed)

    def erring(rate, number):
        right = rate <= 3000
        if chance.random() < share and number < 6:
            right = not right
        return Answer.PASSED if right else Answer.FAILED

    found = searched(erring)

    assert len(found.steps) <= SearchPlan().most_steps
    assert found.passed is None or found.failed is None or found.passed < found.failed


def test_one_unlucky_step_does_not_halve_the_capacity():
    """A rate that failed once and passed twice again is taken back."""
    found = searched(lambda rate, number: Answer.FAILED if number == 2 or rate > 6000 else Answer.PASSED)

    assert 5000 < found.passed <= 6000


def test_invalid_steps_say_nothing_of_the_service():
    """Retried once; then the sender's limit bounds the search from above and the capacity is only `at least`."""
    found = searched(lambda rate, _number: Answer.INVALID if rate > 4000 else Answer.PASSED)

    assert (found.end, found.failed) == (End.SENDER, None)
    assert 3600 < found.passed <= 4000 < found.sender_limit
    assert not found.is_settled


def test_a_single_invalid_step_is_only_repeated():
    """The second try counts."""
    found = searched(lambda rate, number: Answer.INVALID if number == 1 else holding(3000)(rate, number))

    assert (found.end, found.sender_limit) == (End.FOUND, None)


@pytest.mark.parametrize(
    ("answer", "end"),
    [
        (Answer.PASSED, End.CEILING),
        (Answer.FAILED, End.FLOOR),
        (Answer.UNSURE, End.UNSURE),
        (Answer.INVALID, End.SENDER),
    ],
)
def test_it_ends_where_every_step_says_the_same(answer, end):
    """At the highest rate allowed, at the lowest, or knowing nothing."""
    found = searched(lambda _rate, _number: answer, plan=SearchPlan(highest=10_000, most_steps=60))

    assert found.end is end
    assert (found.passed is not None) == (answer is Answer.PASSED)


def test_the_lowest_rate_fails_only_by_the_majority_of_its_steps():
    """One failed step is repeated before nothing at all is said to hold."""
    plan = SearchPlan(start=1.0, most_steps=60, most_seconds=1e9)

    def once(_rate, number):
        return Answer.FAILED if number == 0 else Answer.UNSURE

    assert searched(once, plan=plan).end is End.UNSURE
    assert searched(lambda _rate, _number: Answer.FAILED, plan=plan).steps[1].rate == 1.0
    assert searched(lambda rate, number: Answer.FAILED if number == 0 else holding(50)(rate, number)).passed


def test_unsure_never_counts_as_a_pass():
    """Not even when it is said again and again."""
    found = searched(lambda rate, _number: Answer.PASSED if rate < 1000 else Answer.UNSURE)

    assert found.passed < 1000


@given(st.lists(st.sampled_from(list(Answer)), min_size=1, max_size=300), st.integers(1, 40))
@settings(max_examples=200, deadline=None)
def test_it_ends_within_its_budget_whatever_is_answered(answers, most_steps):
    """Any answers in any order; the passed rate is below the failed one."""
    plan = SearchPlan(most_steps=most_steps, most_seconds=100)
    found = searched(lambda _rate, number: answers[number % len(answers)], plan=plan, seconds=6.0)

    assert len(found.steps) <= min(most_steps, 17)
    assert found.passed is None or found.failed is None or found.passed < found.failed
    assert found.end is not End.FOUND or found.failed is not None
