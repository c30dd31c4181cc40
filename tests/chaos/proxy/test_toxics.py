"""A toxic is read and written without loss, and what is none is refused in words."""

import asyncio
import math
import re
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.chaos.proxy.samples import ON_HTTP, names

from opsctl.chaos.proxy.in_force import InForce, is_down
from opsctl.chaos.proxy.toxics import (
    Down,
    Fail,
    Flap,
    Garble,
    Garbling,
    Latency,
    Silent,
    Slice,
    Stream,
    Toxic,
    as_mapping,
    parse_toxic,
)

TOXICS: tuple[Toxic, ...] = (
    *ON_HTTP,
    Latency(delay_seconds=2, jitter_seconds=0.5, stream=Stream.UP),
    Silent(share=0.5, seed=3),
    Slice(bytes_per_piece=1, pause_seconds=0),
    Fail(status=429, first_calls=3, every=2, retry_after_seconds=1.5, path_contains="/v1"),
    Garble(what=Garbling.SHUFFLE_IDS, path_contains="/points/query"),
)


@pytest.mark.parametrize("toxic", TOXICS, ids=names(TOXICS))
def test_a_toxic_is_read_as_it_was_written(toxic: Toxic):
    """Every kind."""
    assert parse_toxic(as_mapping(toxic)) == toxic


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({}, "there is no toxic of kind None; one of: latency, down"),
        ({"kind": "slow"}, "no toxic of kind 'slow'"),
        ({"kind": ["down"]}, "no toxic of kind"),
        ({"kind": "latency"}, "`latency` needs `delay_seconds`"),
        ({"kind": "latency", "delay_seconds": math.nan}, "`delay_seconds` of `latency` is nan, outside 0 to 900"),
        ({"kind": "latency", "delay_seconds": -1}, "is -1, outside"),
        ({"kind": "latency", "delay_seconds": math.inf}, "is inf, outside"),
        ({"kind": "latency", "delay_seconds": "1"}, "is '1', not a number"),
        ({"kind": "latency", "delay_seconds": True}, "is True, not a number"),
        ({"kind": "latency", "delay_seconds": None}, "is missing"),
        ({"kind": "latency", "delay_seconds": 1, "stream": "left"}, "is 'left', not one of `up`, `down`"),
        ({"kind": "down", "delay_seconds": 1}, "`down` has no `delay_seconds`; it has: share, seed"),
        ({"kind": "down", "share": 1.5}, "`share` of `down` is 1.5, outside 0 to 1"),
        ({"kind": "reset", "after_bytes": 1.5}, "is 1.5, not a whole number"),
        ({"kind": "bandwidth", "bytes_per_second": 0}, "is 0, outside 1 to"),
        ({"kind": "fail", "status": 200}, "`status` of `fail` is 200, outside 400 to 599"),
        ({"kind": "fail", "status": 500, "path_contains": ""}, "`path_contains` of `fail` is empty"),
        ({"kind": "garble", "what": "all"}, "`what` of `garble` is 'all', not one of `shuffle_ids`"),
    ],
)  # fmt: skip
def test_what_is_no_toxic_is_refused_in_words(mapping: dict[str, Any], words: str):
    """Each wrong value by its name."""
    with pytest.raises(ValueError, match=re.escape(words)):
        parse_toxic(mapping)


@given(
    st.dictionaries(st.text(), st.none() | st.booleans() | st.floats() | st.text() | st.lists(st.integers()))
)
def test_nothing_else_comes_of_any_mapping(mapping: dict[str, Any]):
    """A toxic or a ValueError."""
    for kind in ("latency", "fail", "garble"):
        with suppress(ValueError):
            assert parse_toxic({"kind": kind, **mapping}).kind == kind


@given(up=st.floats(0.01, 100), down=st.floats(0.01, 100), cycles=st.integers(0, 50))
def test_a_flap_is_down_at_the_start_of_each_turn_and_up_at_its_end(up: float, down: float, cycles: int):
    """Whatever its length."""
    with asyncio.Runner() as runner:
        force = InForce(runner.get_loop(), on_change=lambda: None)
        active = force.set("flap", Flap(up_seconds=up, down_seconds=down), ttl_seconds=1)
        start = active.began + cycles * (up + down)

        assert is_down(active, start + down / 2)
        assert not is_down(active, start + down + up / 2)
        force.clear()


def test_lots_are_the_same_each_time_and_fall_as_often_as_the_share_says():
    """300 of 1,000, give or take."""
    with asyncio.Runner() as runner:
        force = InForce(runner.get_loop(), on_change=lambda: None)
        active = force.set("down", Down(share=0.3, seed=1), ttl_seconds=1)

        lots = [active.draws(number) for number in range(1000)]

        assert 250 < sum(lots) < 350
        assert lots == [active.draws(number) for number in range(1000)]
        force.clear()
