"""What was lost is counted from rows, not from schedules: tail, holes and phantoms apart, and the time that is gone."""

from hypothesis import given
from hypothesis import strategies as st

from opsctl.dr.drill.losses import Acknowledged, Loss, divergence, measure_loss

DESTROYED_AT = 100.0


def rows(*numbers: int) -> list[Acknowledged]:
    """Return rows that were acknowledged at a second each: row 7 at second 7."""
    return [Acknowledged(number=number, at=float(number)) for number in numbers]


def loss(*, acknowledged: list[Acknowledged], there: set[int], sent: set[int] | None = None) -> Loss:
    """Return what is lost of a stream."""
    known = {row.number for row in acknowledged} if sent is None else sent
    return measure_loss(
        "content", sent=known, acknowledged=acknowledged, there=there, destroyed_at=DESTROYED_AT
    )


def test_nothing_is_lost_where_every_acknowledged_row_is_there():
    """The time that is gone is none, however long before the destruction the last row was written."""
    found = loss(acknowledged=rows(1, 2, 3), there={1, 2, 3})

    assert (found.lost, found.phantoms, found.rpo_seconds) == (0, 0, 0.0)


def test_a_lost_tail_is_as_old_as_the_last_row_that_is_there():
    """Rows 98 and 99 are gone, 97 is there: three seconds."""
    found = loss(acknowledged=rows(96, 97, 98, 99), there={96, 97})

    assert (found.tail, found.holes, found.rpo_seconds) == (2, 0, 3.0)


def test_a_hole_shakes_everything_after_it():
    """A later row that is there does not heal an earlier one that is gone."""
    found = loss(acknowledged=rows(10, 11, 99), there={10, 99})

    assert (found.tail, found.holes, found.rpo_seconds, found.first_lost) == (0, 1, 90.0, (11,))


def test_a_row_that_nobody_sent_is_a_phantom():
    """Such as one of a future that was given up."""
    assert loss(acknowledged=rows(1), there={1, 2}).phantoms == 1


def test_a_row_that_was_sent_but_not_acknowledged_may_be_there_or_not():
    """It is neither a loss nor a phantom."""
    for there in ({1}, {1, 2}):
        found = loss(acknowledged=rows(1), there=there, sent={1, 2})
        assert (found.lost, found.phantoms) == (0, 0)


def test_what_was_acknowledged_after_the_destruction_is_not_of_this_loss():
    """The canary writes on after the recovery."""
    found = loss(acknowledged=[*rows(99), Acknowledged(number=100, at=150.0)], there={99})

    assert (found.acknowledged, found.lost) == (1, 0)


def test_everything_lost_goes_back_to_the_first_row():
    """Nothing is known to be safe since then."""
    assert loss(acknowledged=rows(40, 50), there=set()).rpo_seconds == 60.0


@given(st.sets(st.integers(0, 99)), st.sets(st.integers(0, 120)))
def test_tail_and_holes_are_all_that_is_lost(acknowledged: set[int], there: set[int]):
    """Each acknowledged row is there, in a hole or of the tail; time is lost exactly where rows are."""
    found = loss(acknowledged=rows(*acknowledged), there=there)

    assert found.lost == len(acknowledged - there)
    assert (found.rpo_seconds > 0) == (found.lost > 0)
    assert found.phantoms == len(there - acknowledged)


def test_stores_diverge_by_the_rows_that_one_has_and_another_has_not():
    """The same rows everywhere diverge by none."""
    assert divergence({"database": {1, 2, 3}, "vectors": {2, 3, 4}}) == 2
    assert divergence({"database": {1, 2}, "vectors": {1, 2}}) == 0
    assert divergence({}) == 0
