"""A trial is judged as soon as it is certain, and never otherwise than after all answers."""

import math
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from opsctl.service.resilience.trial import Trial, Verdict


def _trial(answers: list[bool], *, permits: int = 5, share: float = 0.8) -> Trial:
    trial = Trial(permits, successes_share=share)
    for succeeded in answers:
        assert trial.take()
        trial.answer(succeeded=succeeded)
    return trial


def test_four_of_five_pass_and_three_of_five_do_not():
    """The share of successes counts over all permits."""
    assert _trial([True, True, True]).verdict() is Verdict.OPEN
    assert _trial([True, False, True, True]).verdict() is Verdict.OPEN
    assert _trial([True, False, True, True, True]).verdict() is Verdict.PASSED
    assert _trial([False, True, False]).verdict() is Verdict.FAILED


def test_a_share_that_is_no_exact_number_asks_for_no_more_than_it_says():
    """0.28 * 25 comes out as 7.000000000000001, and seven are enough."""
    assert _trial([True] * 7, permits=25, share=0.28).verdict() is Verdict.PASSED


def test_a_permit_given_back_can_be_taken_again():
    """A client that went away leaves the trial as it was."""
    trial = Trial(1, successes_share=1.0)
    assert trial.take()
    assert not trial.take()
    trial.give_back()

    assert trial.take()
    assert trial.verdict() is Verdict.OPEN


def test_when_time_is_up_what_has_no_answer_is_lost():
    """Four answered well and two did not answer at all."""
    trial = _trial([True] * 4, permits=10)
    assert trial.take()
    assert trial.verdict_at_end() is Verdict.PASSED
    assert trial.take()
    assert trial.verdict_at_end() is Verdict.FAILED


def test_when_time_is_up_permits_that_nobody_took_count_neither_way():
    """A dependency that is called once in five seconds can recover."""
    assert _trial([]).verdict_at_end() is Verdict.OPEN
    assert _trial([True]).verdict_at_end() is Verdict.PASSED
    assert _trial([False]).verdict_at_end() is Verdict.FAILED


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.fractions(Fraction(1, 20), 1, max_denominator=20))
def test_the_early_verdict_is_that_of_all_answers(answers, share):
    """Waiting for the remaining answers would have changed nothing."""
    permits = len(answers)
    expected = sum(answers) >= math.ceil(share * permits)
    trial = Trial(permits, successes_share=float(share))
    verdicts = []
    for succeeded in answers:
        trial.take()
        trial.answer(succeeded=succeeded)
        verdicts.append(trial.verdict())

    assert verdicts[-1] is (Verdict.PASSED if expected else Verdict.FAILED)
    assert {verdict for verdict in verdicts if verdict is not Verdict.OPEN} == {verdicts[-1]}
    assert trial.verdict_at_end() is verdicts[-1]
