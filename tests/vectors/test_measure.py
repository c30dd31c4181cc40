"""Measuring in turns: order, validity, recall and the control."""

from collections import Counter
from itertools import pairwise, permutations
from typing import Any

import pytest
from tests.fakes.clock import FakeClock
from tests.fakes.searcher import FakeHost, FakeSearcher, FakeStates

from opsctl.core.errors import InconclusiveError
from opsctl.vectors.arms import Arm, MeasurePlan
from opsctl.vectors.filters import FilterSpec
from opsctl.vectors.measure import SPELL_QUERIES, Instruments, measure, turns
from opsctl.vectors.queries import query_set
from opsctl.vectors.statistics import Comparison
from opsctl.vectors.summary import compare_arms, compare_recall, curve, size_needed, summarise
from opsctl.vectors.validity import Limits

SPEC = FilterSpec.model_validate({"region": "AU"})
SOURCE = Arm(name="source", collection="slow", filter=SPEC)
DERIVED = Arm(name="derived", collection="fast")


def a_plan(**changes):
    """Return a plan of two arms with some things changed."""
    defaults: dict[str, Any] = {
        "subject": "test",
        "arms": (SOURCE, DERIVED),
        "truth": SOURCE,
        "queries": query_set([[float(n), 1.0] for n in range(400)], origin="test"),
        "wanted": 400,
        "truth_queries": 100,
        "warm_up": 3,
    }
    return MeasurePlan(**(defaults | changes))


def run(plan=None, *, searcher=None, states=None, host=None):
    """Measure with fakes."""
    searcher = searcher or FakeSearcher({"slow": 0.002, "fast": 0.0002})
    instruments = Instruments(
        searcher=searcher, states=states or FakeStates(), clock=FakeClock(), host=host or FakeHost()
    )
    return measure(plan or a_plan(), instruments=instruments)


@pytest.mark.parametrize("arms", [2, 3, 4, 6])
def test_each_arm_stands_at_each_place_and_behind_each_other_equally_often(arms):
    """Over 2k spells the order is balanced, so that no arm lives on what another has warmed."""
    for cycle in range(3):
        orders = [turns(arms, cycle * 2 * arms + spell) for spell in range(2 * arms)]

        for place in range(arms):
            assert sorted(order[place] for order in orders) == sorted([*range(arms)] * 2)
        neighbours = Counter(pair for order in orders for pair in pairwise(order))
        assert neighbours == dict.fromkeys(permutations(range(arms), 2), 2)


def test_the_faster_side_is_found_with_equal_recall():
    """Ten times faster is measured as ten times faster."""
    measured = run()

    comparison = compare_arms(measured, baseline="source", contender="derived", share=0.5)
    assert comparison.ratio is not None
    assert comparison.ratio.low < 10 < comparison.ratio.high
    assert (comparison.verdict, comparison.is_equal_recall) == (Comparison.BETTER, True)
    assert measured.is_valid


def test_every_arm_and_the_control_answer_every_query():
    """The derived collection has two turns in each round: it is its own control. One search a turn does not count."""
    searcher = FakeSearcher({"slow": 0.002, "fast": 0.0002})

    measured = run(searcher=searcher)

    assert [samples.size for samples in (*measured.arms, measured.control)] == [400, 400, 400]
    assert sum(search.exact for search in searcher.asked) == 100
    assert len(searcher.asked) == 100 + 3 * 2 + (400 + 400 // SPELL_QUERIES) * 3


def test_unequal_recall_is_reported():
    """A side that misses two of ten is not compared at equal recall."""
    searcher = FakeSearcher({"slow": 0.002, "fast": 0.0002})
    searcher.misses = {"fast": 2}

    measured = run(searcher=searcher)

    found = summarise(measured.of("derived")).recall
    assert found is not None
    assert round(found.value, 6) == 0.8
    assert not compare_arms(measured, baseline="source", contender="derived", share=0.5).is_equal_recall


@pytest.mark.parametrize(
    ("queries", "wrong_every", "expected"),
    [
        (500, 0, "same"),
        (500, 50, "same"),
        (36, 0, "same"),
        (35, 0, "cannot_tell"),
        (20, 20, "cannot_tell"),
        (1, 1, "cannot_tell"),
        (35, 1, "cannot_tell"),
        (36, 1, "worse"),
        (36, 6, "worse"),
        (36, 8, "cannot_tell"),
        (500, 4, "worse"),
        (0, 1, "cannot_tell"),
    ],
)
def test_equal_recall_must_be_shown(queries, wrong_every, expected):
    """Few queries with a small difference show nothing; many with a tiny one do; none at all never do."""
    first = tuple(1.0 for _ in range(queries))
    second = tuple(0.9 if wrong_every and place % wrong_every == 0 else 1.0 for place in range(queries))

    assert compare_recall(first, second, margin=0.01) == expected
    mirrored = {"worse": "better"}.get(expected, expected)
    assert compare_recall(second, first, margin=0.01) == mirrored


@pytest.mark.parametrize(("status", "idle"), [("yellow", True), ("grey", True), ("green", False)])
def test_nothing_is_measured_while_a_side_is_not_at_rest(status, idle):
    """Yellow, grey or busy is refused before the first search."""
    searcher, states = FakeSearcher({"slow": 0.002, "fast": 0.0002}), FakeStates()
    states.status, states.idle = {"fast": status}, idle

    with pytest.raises(InconclusiveError) as error:
        run(searcher=searcher, states=states)

    assert (error.value.code, searcher.asked) == ("BEN001", [])


def test_points_that_come_during_the_run_make_it_invalid():
    """A writer in the middle of a run is seen."""
    searcher, states = FakeSearcher({"slow": 0.002, "fast": 0.0002}), FakeStates()
    searcher.after = lambda count: setattr(states, "points", 1001 if count > 500 else 1000)

    measured = run(searcher=searcher, states=states)

    assert [problem.code for problem in measured.problems] == ["BEN002", "BEN002"]
    assert not measured.is_valid


def test_a_starved_client_makes_the_run_invalid_unless_noise_is_allowed():
    """Half of the CPU is not enough; --allow-noise turns it into a warning."""
    strict = run(host=FakeHost(cpu_share=0.5))
    lenient = run(a_plan(limits=Limits(allow_noise=True)), host=FakeHost(cpu_share=0.5))

    assert [problem.code for problem in strict.problems] == ["BEN004"]
    assert (strict.is_valid, lenient.is_valid) == (False, True)


def test_an_arm_that_differs_from_itself_makes_the_run_invalid():
    """Every second answer of the derived collection is twice as slow: the control, asked later, sees it."""

    class Alternating(FakeSearcher):
        """Every second search of `fast` takes twice as long."""

        fast = 0

        def search(self, search):
            """Answer one search."""
            if search.collection == "fast":
                self.fast += 1
                # Each spell asks `fast` for the arm and for the control, eleven times each; the order tells which.
                self.seconds["fast"] = 0.0004 if self.is_control() else 0.0002
            return super().search(search)

        def is_control(self):
            """Tell whether this search of a measured spell is the control's."""
            number = self.fast - 100 - 1
            spell, place = divmod(number, 2 * (SPELL_QUERIES + 1))
            order = [each for each in turns(3, spell) if each != 0]
            return number >= 0 and order[place // (SPELL_QUERIES + 1)] == 2

    plan = a_plan(truth=DERIVED, warm_up=0)

    measured = run(plan, searcher=Alternating({"slow": 0.002, "fast": 0.0002}))

    assert [problem.code for problem in measured.problems] == ["BEN003"]


def test_a_filter_that_finds_nothing_is_refused():
    """Empty answers have neither recall nor a latency worth knowing."""
    searcher = FakeSearcher({"slow": 0.002, "fast": 0.0002})
    searcher.empty = {"slow", "fast"}

    with pytest.raises(InconclusiveError) as error:
        run(searcher=searcher)

    assert (error.value.code, error.value.why) == ("BEN005", "no point passes region = AU")


def test_a_run_stops_at_the_end_of_a_block_when_its_time_is_over():
    """A deadline of nothing leaves exactly one block."""
    measured = run(a_plan(deadline_seconds=0))

    assert {samples.size for samples in measured.arms} == {measured.plan.block_queries}


def test_a_tail_without_enough_queries_is_not_shown():
    """400 queries carry a p99 but no p99.9, which would need 3,688."""
    engine = summarise(run().of("source")).engine

    assert [tail.value is not None for tail in engine] == [True, True, True, False]
    assert engine[3].needed == size_needed(0.999) == 3688


def test_the_curve_ends_where_the_sample_ends():
    """400 queries support the curve up to 99.08 %; it never falls."""
    points = curve(run().of("source").engine_ns)

    assert round(points[-1][0], 4) == 0.9908
    assert [value for _, value in points] == sorted(value for _, value in points)
