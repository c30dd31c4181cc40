import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsctl.bench.load.recorder import NO_TIER, OUTCOMES, TIERS, Recorder, Row
from opsctl.bench.load.tally import MOST_BLOCKS, MOST_REASONS, Block, Outcome, Tally

OK = OUTCOMES.index(Outcome.OK)

ROWS = st.lists(
    st.builds(
        lambda planned, lag, wait, service, endpoint, tier, outcome: (
            planned, planned + lag, planned + lag + wait, planned + lag + wait + service, endpoint, tier, outcome, 200
        ),
        st.floats(1, 30),
        st.floats(0, 0.1),
        st.floats(0, 3),
        st.floats(0, 3),
        st.integers(0, 1),
        st.integers(0, len(TIERS) - 1),
        st.integers(0, len(OUTCOMES) - 1),
    ),
    max_size=60,
)  # fmt: skip


def tally_of(rows: list[Row]) -> Tally:
    """Return what a recorder makes of rows."""
    recorder = Recorder(endpoints=["feed", "click"], started=1.0)
    for row in rows:
        recorder.add(row)
    tally = recorder.take()
    tally.planned = len(rows)
    return tally


def test_a_request_without_an_answer_is_remembered_as_such() -> None:
    """What timed out was sent; what still waited for a connection has no service time."""
    timed_out, unfinished = (OUTCOMES.index(each) for each in (Outcome.TIMED_OUT, Outcome.UNFINISHED))
    timings = tally_of([
        (1.0, 1.0, 1.0, 1.5, 0, NO_TIER, OK, 200),
        (1.0, 1.0, 2.0, 4.0, 0, NO_TIER, timed_out, 0),
        (1.0, 1.0, 0.0, 3.0, 0, NO_TIER, unfinished, 0),
    ]).timings  # fmt: skip

    assert (timings.response.count, timings.censored.count, timings.censored_service.count) == (3, 2, 1)
    assert timings.censored.largest_microseconds == 3_000_000
    assert timings.censored_service.largest_microseconds == 2_000_000


@settings(max_examples=40, deadline=None)
@given(rows=ROWS, cut=st.integers(0, 60))
def test_tallies_of_parts_join_to_the_tally_of_all(rows: list[Row], cut: int) -> None:
    """It does not matter which process, or which frame, a request was recorded in."""
    whole = Tally()
    whole.merge(tally_of(rows))

    joined = Tally()
    joined.merge(tally_of(rows[:cut]))
    joined.merge(tally_of(rows[cut:]))

    assert joined == whole
    assert (
        whole.planned == sum(whole.outcomes.values()) == sum(block.planned for block in whole.blocks.values())
    )


def test_each_time_lands_in_its_own_histogram() -> None:
    """Planned at 2.0, dispatched 1 ms later, sent 2 ms after that, answered 4 ms after that."""
    tally = tally_of([(2.0, 2.001, 2.003, 2.007, 1, TIERS.index(TIERS[0]), OK, 201)])

    timings = tally.timings
    assert timings.generator_lag.value_at(1) == 1000
    assert timings.queue_wait.value_at(1) == pytest.approx(2000, abs=1)
    assert timings.service.value_at(1) == pytest.approx(4000, abs=2)
    assert timings.response.value_at(1) == pytest.approx(7000, abs=4)
    assert tally.statuses == {201: 1}
    assert list(tally.endpoints) == ["click"]
    assert tally.tiers[TIERS[0].value].count == 1
    assert tally.blocks[1].response.count == 1


def test_failing_fast_does_not_look_like_being_fast() -> None:
    """A reset after a millisecond is in no latency that is called good; a timeout is, with all it took."""
    reset, late = OUTCOMES.index(Outcome.RESET), OUTCOMES.index(Outcome.TIMED_OUT)

    tally = tally_of([
        (2.0, 2.0, 2.0, 2.5, 0, NO_TIER, OK, 200),
        (2.0, 2.0, 2.0, 2.001, 0, NO_TIER, reset, 0),
        (2.0, 2.0, 2.0, 12.0, 0, NO_TIER, late, 0),
    ])  # fmt: skip

    assert tally.timings.response.count == tally.timings.service.count == 2
    assert tally.timings.response.value_at(0.01) == pytest.approx(500_000, rel=0.001)
    assert tally.timings.failed.count == 1
    assert tally.blocks[1].errors == 2


def test_a_known_distribution_is_recovered_within_the_histograms_precision() -> None:
    """Exponential service times: recorded quantiles are those of the sample within a thousandth."""
    random = np.random.default_rng(3)
    service = random.exponential(0.02, size=20_000)
    recorder = Recorder(endpoints=["feed"], started=0.0)
    for number, seconds in enumerate(service.tolist()):
        sent = 1.0 + number / 10_000
        recorder.add((sent, sent, sent, sent + seconds, 0, NO_TIER, OK, 200))
        if recorder.wants_fold:
            recorder.fold()

    recorded = recorder.take().timings.service

    for share in (0.01, 0.5, 0.9, 0.99, 0.999):
        truth = np.quantile(service, share, method="inverted_cdf") * 1e6
        assert recorded.value_at(share) == pytest.approx(truth, rel=0.001, abs=1)


def test_memory_does_not_grow_with_the_length_of_a_run() -> None:
    """A day of frames keeps no more than so many blocks, and no request is lost by joining them."""
    total = Tally()
    frame = tally_of([(1.5, 1.5, 1.5, 1.5 + 0.001 * step, 0, NO_TIER, OK, 200) for step in range(100)])
    (block,) = frame.blocks.values()
    sizes = []
    for second in range(4 * MOST_BLOCKS):
        frame.blocks = {second: block}
        total.merge(frame)
        if second in {2 * MOST_BLOCKS - 1, 4 * MOST_BLOCKS - 1}:
            sizes.append(len(pickle.dumps(total)))

    assert MOST_BLOCKS / 2 <= len(total.blocks) <= MOST_BLOCKS
    assert total.block_seconds == 4
    assert sorted(total.blocks) == list(range(0, 4 * MOST_BLOCKS, 4))
    assert sum(block.planned for block in total.blocks.values()) == 4 * MOST_BLOCKS * 100
    assert sizes[1] < 1.2 * sizes[0]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["finer first", "coarser first"])
def test_blocks_are_named_by_their_first_second_whatever_their_length(order: tuple[int, int]) -> None:
    """Seconds 4 to 8 of one tally, and two blocks of four seconds of another, join to two blocks of four seconds."""
    finer = Tally(blocks={second: Block(planned=1) for second in range(4, 9)})
    coarser = Tally(blocks={4: Block(planned=10), 8: Block(planned=20)}, block_seconds=4)
    total = Tally()
    for place in order:
        total.merge((finer, coarser)[place])

    assert total.block_seconds == 4
    assert {second: block.planned for second, block in total.blocks.items()} == {4: 14, 8: 21}


def test_reasons_are_bounded() -> None:
    """A service that names a new fault for every request does not fill the memory."""
    total = Tally()
    for number in range(10):
        recorder = Recorder(endpoints=["feed"], started=0.0)
        for each in range(100):
            recorder.add_reason(f"reason {number} {each}")
        total.merge(recorder.take())

    assert len(total.reasons) == MOST_REASONS
    assert sum(total.reasons.values()) == 1000
