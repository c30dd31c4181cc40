"""The retry budget: free with a few failures, closed in an outage."""

from hypothesis import given
from hypothesis import strategies as st

from opsctl.service.resilience.retry_budget import RetryBudget


def test_half_of_the_bucket_has_to_be_there():
    """Ten tokens: four failures may be tried again, the fifth not, and ten successes later one may."""
    budget = RetryBudget()
    allowed = []
    for _ in range(5):
        budget.failed()
        allowed.append(budget.may_retry)
    assert allowed == [True] * 4 + [False]
    for _ in range(10):
        assert budget.tokens < 6
        budget.succeeded()

    assert budget.tokens == 6.0
    budget.failed()
    assert not budget.may_retry


def test_one_success_after_the_half_is_enough():
    """Tenths are counted exactly."""
    budget = RetryBudget()
    for _ in range(10):
        budget.failed()
    for _ in range(50):
        budget.succeeded()
    assert not budget.may_retry
    budget.succeeded()

    assert budget.may_retry


def test_the_bucket_neither_overflows_nor_goes_below_empty():
    """A good day buys no storm of retries, and a bad one no eternal ban."""
    budget = RetryBudget(2.0)
    for _ in range(1000):
        budget.succeeded()
    assert budget.tokens == 2.0
    for _ in range(1000):
        budget.failed()
    assert budget.tokens == 0.0


@given(st.lists(st.booleans(), max_size=400), st.integers(1, 20), st.integers(1, 5))
def test_attempts_stay_within_a_tenth_more_than_calls(answers, most, attempts_most):
    """Whatever fails when: at most 1.1 attempts a call, and half the bucket."""
    budget = RetryBudget(float(most))
    coming = iter(answers)
    calls = attempts = 0
    for succeeds in coming:
        calls += 1
        for number in range(attempts_most):
            attempts += 1
            if succeeds if number == 0 else next(coming, False):
                budget.succeeded()
                break
            budget.failed()
            if not budget.may_retry:
                break

    assert attempts <= 1.1 * calls + most / 2


def test_in_a_total_outage_nearly_nothing_is_tried_again():
    """A thousand calls that all fail, each willing to try three times: three retries in all.

    Five failures empty half of the bucket; the third was the last attempt of the first call.
    """
    budget = RetryBudget()
    attempts = 0
    for _ in range(1000):
        for _ in range(3):
            attempts += 1
            budget.failed()
            if not budget.may_retry:
                break

    assert attempts == 1003
