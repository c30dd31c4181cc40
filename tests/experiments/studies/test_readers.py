"""How simulated readers fare with the service's ranking: relevance, returns, answers, and which figures are real."""

import doctest
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.checklist.making import NOW

from opsctl.cli.reader_measuring import _preferred
from opsctl.core.events import ignore
from opsctl.evidence.model import Verdict
from opsctl.experiments.readers.measures import Measure, Subject, measure_evidence
from opsctl.experiments.simulator import gains
from opsctl.experiments.studies import readers
from opsctl.experiments.studies.arms import ArmSettings
from opsctl.experiments.studies.readers import WorldFigures, measures_of, returns, simulate_readers
from opsctl.store.reader_answers import ReaderAnswers

WORLD = WorldFigures(
    answers=(100.0, 0.0, -100.0, 100.0),
    cohort=10,
    came_back=8,
    came_on_the_day=4,
    feeds=100,
    relevance=0.5,
    random_relevance=0.3,
    share_of_best=0.6,
)
NOBODY = ReaderAnswers(answers=0, nps=None, cohort=0, retention=None, retention_on_the_day=None)


def test_the_examples_hold():
    """Of gains, of the best ones, and of returns."""
    assert doctest.testmod(gains).failed == 0
    assert doctest.testmod(readers).failed == 0


@given(
    st.lists(st.floats(0, 1), min_size=3, max_size=12), st.integers(1, 3), st.randoms(use_true_random=False)
)
def test_no_order_beats_the_best_one(relevance: list[float], size: int, random: object):
    """So the share of it lies between 0 and 1, and is 1 for the best."""
    values = np.array([relevance])
    best = gains.best_gains(values, size=size)
    order = np.random.default_rng(len(relevance)).permutation(len(relevance))[:size]

    assert gains.discounted(values[:, order])[0] <= best[0] + 1e-12
    ideal = np.sort(values, axis=1)[:, ::-1][:, :size]
    assert gains.discounted(ideal)[0] == pytest.approx(best[0])
    assert random is not None


def test_readers_who_came_too_late_to_be_asked_are_in_no_cohort():
    """Retention of somebody who first came yesterday is not 0."""
    visits = np.zeros((2, 67), bool)
    visits[0, 31] = visits[1, 66] = True

    assert returns(visits) == (0, 0, 0)
    assert returns(np.zeros((0, 67), bool)) == (0, 0, 0)
    assert returns(np.zeros((3, 67), bool)) == (0, 0, 0)


def test_worlds_count_by_what_happened_in_them():
    """Readers and feeds are added up, not means of means."""
    other = WorldFigures(
        answers=(),
        cohort=30,
        came_back=0,
        came_on_the_day=0,
        feeds=300,
        relevance=0.9,
        random_relevance=0.3,
        share_of_best=0.6,
    )

    nps, retention, relevance = measures_of([WORLD, other])

    assert (nps.value, nps.number) == (25.0, 4)
    assert (retention.value, retention.number) == (0.2, 40)
    assert relevance.value == pytest.approx(0.8)
    assert relevance.number == 400
    assert {each.simulated for each in (nps, retention, relevance)} == {("readers", "vendors", "time")}


def test_of_nobody_nothing_is_told():
    """And its record is inconclusive."""
    empty = WorldFigures(
        answers=(),
        cohort=0,
        came_back=0,
        came_on_the_day=0,
        feeds=0,
        relevance=0,
        random_relevance=0,
        share_of_best=0,
    )

    found = measures_of([empty])

    assert [each.value for each in found] == [None, None, None]
    record = measure_evidence(found[0], inputs={}, started_at=NOW, seconds=1)
    assert (record.verdict, record.figures["value"]) == (Verdict.INCONCLUSIVE, None)


def test_of_too_few_nothing_is_told_either():
    """Whether they are real or simulated: the score of five answers is chance."""
    measure = Measure(subject=Subject.NPS, value=60.0, number=99)

    verdicts = [
        measure_evidence(each, inputs={}, started_at=NOW, seconds=1).verdict
        for each in (measure, replace(measure, number=100))
    ]

    assert verdicts == [Verdict.INCONCLUSIVE, Verdict.PASS]


def test_simulated_readers_do_not_outvote_real_ones_that_nobody_asked():
    """Without a look into the database the record is about something else, and the checklist does not take it."""
    measure = Measure(subject=Subject.NPS, value=60.0, number=200, simulated=("readers",))

    subjects = [
        measure_evidence(measure, inputs={}, started_at=NOW, seconds=1, asked_real=asked).subject
        for asked in (True, False)
    ]

    assert subjects == ["nps", "nps of simulated readers"]


def test_enough_real_readers_take_the_place_of_simulated_ones():
    """99 answers do not; what is relevant to a real reader nobody has told."""
    nps, retention, relevance = measures_of([WORLD])
    many = ReaderAnswers(answers=100, nps=31.0, cohort=99, retention=0.9, retention_on_the_day=0.5)

    assert _preferred(nps, many) == Measure(
        subject=Subject.NPS, value=31.0, number=100, real_number=100, figures={}
    )
    kept = _preferred(retention, many)
    assert (kept.value, kept.real_number, bool(kept.simulated)) == (0.8, 99, True)
    assert _preferred(relevance, many) == relevance
    assert _preferred(nps, NOBODY).simulated
    assert _preferred(nps, None) == nps


@pytest.mark.drill
def test_the_service_s_ranking_is_better_than_lots():
    """In a small world; the best possible feed is 1, and nobody reaches it."""
    (world,) = simulate_readers(ArmSettings(), users=25, seeds=[1], listener=ignore)

    assert 0 < world.random_relevance < world.relevance < 1
    assert world.cohort > 0
