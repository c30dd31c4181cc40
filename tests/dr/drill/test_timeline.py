"""Stages, commands and what readers got lie on one axis, and every second is of one part."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tests.dr.drill.drills import STARTED_AT, not_back, points, run, stages, unclear

from opsctl.dr.drill.model import SecondSeen
from opsctl.dr.drill.timeline import command_spans, parts, restore_steps, stage_spans, whole_seconds


def test_stages_follow_each_other_from_the_destruction_on():
    """14 s, 0.2 s, 53.8 s and 8 s after the twentieth second."""
    spans = stage_spans(run())

    assert [round(span.begins, 6) for span in spans] == [20, 34, 34.2, 88]
    assert round(spans[-1].ends, 6) == 96


def test_commands_begin_when_it_was_declared():
    """And follow each other."""
    assert [round(span.begins, 6) for span in command_spans(run())] == [34.2, 78.2]
    assert command_spans(replace(not_back().run, stages=stages(5.0))) == ()


def test_steps_of_a_restore_are_in_the_order_in_which_they_are_done():
    """A journal has them by name."""
    assert [name for name, _ in restore_steps(run())] == [
        *("database", "snapshots", "replay", "aliases", "proof")
    ]


def test_what_was_never_destroyed_has_no_stages_and_one_part():
    """There was a before only."""
    never = replace(unclear().run, points=tuple(points(seconds=5)))

    assert stage_spans(never) == ()
    assert [(part.name, part.good, part.bad) for part in parts(never)] == [("before", 150, 0)]


def test_readers_are_told_by_the_stage_in_which_they_asked():
    """What went wrong stands where it went wrong, with its slowest second."""
    found = {part.name: part for part in parts(run())}

    assert list(found) == ["before", "detected", "declared", "restored", "serving", "afterwards"]
    assert (found["before"].bad, found["detected"].bad, found["afterwards"].bad) == (0, 18, 0)
    assert found["detected"].worst_p99_seconds == 1.62


def test_what_did_not_come_back_ends_in_a_part_that_says_so():
    """Not in one that is called afterwards."""
    assert [part.name for part in parts(not_back().run)] == ["before", "detected", "declared", "not restored"]


@given(
    st.lists(st.floats(min_value=0, max_value=200), max_size=4),
    st.lists(st.integers(0, 400), unique=True, max_size=40),
    st.floats(min_value=0, max_value=100),
)
def test_every_second_is_of_exactly_one_part(lengths, seconds, destroyed):
    """Whatever stages there are, no request is lost or told twice."""
    seen = tuple(
        SecondSeen(second=each, good=1, bad=2, p99_seconds=None, tiers={}) for each in sorted(seconds)
    )
    made = run(destroyed_at=STARTED_AT + destroyed, stages=stages(*lengths), commands=(), points=seen)

    found = parts(made)

    assert sum(part.good for part in found) == len(seen)
    assert abs(sum(part.seconds for part in found) - whole_seconds(made)) < 1e-6
