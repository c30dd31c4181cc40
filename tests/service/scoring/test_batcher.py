"""Batches: who shares a call, who waits, and who pays for a failure; all in virtual time."""

import asyncio
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.virtual_time import run_virtually
from tests.service.scoring.items import counted, item, items, outcomes

from opsctl.service.book import Model
from opsctl.service.scoring.batcher import Batcher, BatchOptions
from opsctl.service.scoring.endpoint import CallFailedError
from opsctl.service.scoring.parse import InvalidAnswerError, ParsedScores
from opsctl.service.scoring.ports import ScoredItem
from opsctl.service.telemetry.meters import Meters

Answer = Callable[[Sequence[ScoredItem]], ParsedScores]


def good(sent: Sequence[ScoredItem]) -> ParsedScores:
    """Score each item by its id, so that a mix-up would be seen."""
    scores = {number: each.content_id / 1000 for number, each in enumerate(sent, start=1)}
    return ParsedScores(scores=scores, invalid=frozenset())


class Endpoint:
    """Takes set time for a call and remembers what was sent when."""

    def __init__(self, answer: Answer = good, *, seconds: float = 0.08) -> None:
        self.answer = answer
        self.seconds = seconds
        self.calls: list[list[int]] = []
        self.began: list[float] = []
        self.most_at_once = 0
        self._under_way = 0

    async def ask(self, sent: Sequence[ScoredItem]) -> ParsedScores:
        """Answer one call."""
        self.calls.append([each.content_id for each in sent])
        self.began.append(round(asyncio.get_running_loop().time(), 6))
        self._under_way += 1
        self.most_at_once = max(self.most_at_once, self._under_way)
        try:
            await asyncio.sleep(self.seconds)
            return self.answer(sent)
        finally:
            self._under_way -= 1


class Bench:
    """A batcher in front of an endpoint, and its meters."""

    def __init__(self, endpoint: Endpoint, **options: float) -> None:
        values: dict[str, float] = {
            "window_seconds": 0.01,
            "batch_items": 4,
            "concurrent_calls": 2,
            "timeout_seconds": 0.4,
        }
        self.meters = Meters()
        chosen = BatchOptions(**(values | options))  # type: ignore[arg-type]
        self.batcher = Batcher(endpoint.ask, options=chosen, meters=self.meters)

    async def score_all(self, *groups: Sequence[int]) -> list[dict[int, float]]:
        """Let several requests ask at the same moment."""
        return [
            dict(found)
            for found in await asyncio.gather(*(self.batcher.score(items(*ids)) for ids in groups))
        ]


def test_requests_of_one_window_share_a_call_and_get_their_own_items():
    """Three requests, one call after 10 ms."""
    endpoint = Endpoint()
    bench = Bench(endpoint, batch_items=10)

    found = run_virtually(bench.score_all([1, 2], [3], [4, 5]))

    assert found == [{1: 0.001, 2: 0.002}, {3: 0.003}, {4: 0.004, 5: 0.005}]
    assert (endpoint.calls, endpoint.began) == ([[1, 2, 3, 4, 5]], [0.01])
    assert outcomes(bench.meters) == {"scored": 5}


def test_a_full_batch_does_not_wait_for_the_window():
    """Ten items at four a call: two calls at once, the rest when the window ends and a slot is free."""
    endpoint = Endpoint()

    found = run_virtually(Bench(endpoint).score_all(range(10)))

    assert len(found[0]) == 10
    assert endpoint.calls == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert endpoint.began == [0.0, 0.0, 0.08]
    assert endpoint.most_at_once == 2


def test_an_item_that_many_wait_for_is_sent_once():
    """Also when the second request comes while the call is under way."""
    endpoint = Endpoint()
    bench = Bench(endpoint)

    async def late() -> list[dict[int, float]]:
        first = asyncio.create_task(bench.score_all([1, 2], [2, 1]))
        await asyncio.sleep(0.05)
        return [*await bench.score_all([2]), *await first]

    assert run_virtually(late()) == [{2: 0.002}, {1: 0.001, 2: 0.002}, {2: 0.002, 1: 0.001}]
    assert endpoint.calls == [[1, 2]]


def test_another_state_of_an_item_is_another_item():
    """Two texts of one id are both scored, and each request gets the score of its own."""

    def by_quality(sent: Sequence[ScoredItem]) -> ParsedScores:
        scores = {number: each.quality for number, each in enumerate(sent, start=1)}
        return ParsedScores(scores=scores, invalid=frozenset())

    bench = Bench(Endpoint(by_quality))

    async def both() -> list[dict[int, float]]:
        old, new = item(1, quality=0.2), item(1, quality=0.9)
        return [
            dict(each)
            for each in await asyncio.gather(bench.batcher.score([old]), bench.batcher.score([new]))
        ]

    assert run_virtually(both()) == [{1: 0.2}, {1: 0.9}]


def test_a_window_of_0_sends_each_request_by_itself():
    """Nothing is shared and nothing waits: what a service without batching would do."""
    endpoint = Endpoint()

    run_virtually(Bench(endpoint, window_seconds=0.0, concurrent_calls=9).score_all([1, 2], [2], [3]))

    assert (endpoint.calls, endpoint.began) == ([[1, 2], [2], [3]], [0.0, 0.0, 0.0])


def test_calls_beyond_the_limit_wait_in_order():
    """One slot: the calls follow each other as the requests came."""
    endpoint = Endpoint()
    bench = Bench(endpoint, window_seconds=0.0, concurrent_calls=1)

    run_virtually(bench.score_all([1], [2], [3]))

    assert (endpoint.calls, endpoint.began) == ([[1], [2], [3]], [0.0, 0.08, 0.16])


def test_what_waits_longer_than_a_call_may_take_is_not_sent_any_more():
    """Under a jam old items make room instead of being scored for nobody."""
    endpoint = Endpoint(seconds=0.3)
    bench = Bench(endpoint, window_seconds=0.0, concurrent_calls=1, batch_items=8)

    found = run_virtually(bench.score_all([1], [2], [3]))

    assert found == [{1: 0.001}, {2: 0.002}, {}]
    assert outcomes(bench.meters) == {"scored": 2, "dropped": 1}


def test_what_finds_the_queue_full_is_left_out_at_once():
    """Room for 4 x 2 x 2 items; the rest gets no score, and nobody waits longer for it."""
    endpoint = Endpoint()
    bench = Bench(endpoint)

    (found,) = run_virtually(bench.score_all(range(20)))

    assert sorted(found) == list(range(16))
    assert outcomes(bench.meters) == {"scored": 16, "dropped": 4}


def test_there_is_room_again_afterwards():
    """Nothing stays behind of items that are settled, whatever became of them."""
    failing = Endpoint(lambda _: (_ for _ in ()).throw(CallFailedError("gone")))
    bench = Bench(failing)

    async def twice() -> list[dict[int, float]]:
        failed = await bench.score_all(range(16))
        failing.answer = good
        return [*failed, *await bench.score_all(range(100, 116))]

    failed, scored = run_virtually(twice())

    assert (failed, len(scored)) == ({}, 16)
    assert outcomes(bench.meters) == {"error": 16, "scored": 16}


def test_a_failed_call_fails_only_its_batch():
    """The call that holds item 1 gets no answer; it is not split, for it would fail twice."""

    def answer(sent: Sequence[ScoredItem]) -> ParsedScores:
        if any(each.content_id == 1 for each in sent):
            raise CallFailedError("status 500")
        return good(sent)

    endpoint = Endpoint(answer)
    bench = Bench(endpoint)

    (found,) = run_virtually(bench.score_all(range(8)))

    assert sorted(found) == [4, 5, 6, 7]
    assert endpoint.calls == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert outcomes(bench.meters) == {"scored": 4, "error": 4}


def test_an_unusable_answer_is_asked_for_once_more_in_two_halves():
    """The item that the model trips over costs its half only."""

    def answer(sent: Sequence[ScoredItem]) -> ParsedScores:
        if any(each.content_id == 1 for each in sent):
            raise InvalidAnswerError("prose")
        return good(sent)

    endpoint = Endpoint(answer)
    bench = Bench(endpoint)

    (found,) = run_virtually(bench.score_all([0, 1, 2, 3]))

    assert endpoint.calls == [[0, 1, 2, 3], [0, 1], [2, 3]]
    assert endpoint.most_at_once == 1
    assert found == {2: 0.002, 3: 0.003}
    assert outcomes(bench.meters) == {"scored": 2, "invalid": 2}


def test_a_single_item_with_an_unusable_answer_is_not_asked_for_again():
    """There is nothing to split."""
    endpoint = Endpoint(lambda _: (_ for _ in ()).throw(InvalidAnswerError("prose")))
    bench = Bench(endpoint)

    assert run_virtually(bench.score_all([1])) == [{}]
    assert endpoint.calls == [[1]]
    assert outcomes(bench.meters) == {"invalid": 1}


def test_items_that_are_missing_or_invalid_leave_the_others_their_scores():
    """A partial answer is used as far as it goes."""
    partial = ParsedScores(scores={1: 0.1, 4: 0.4}, invalid=frozenset({2}))
    bench = Bench(Endpoint(lambda _: partial))

    assert run_virtually(bench.score_all([10, 20, 30, 40])) == [{10: 0.1, 40: 0.4}]
    assert outcomes(bench.meters) == {"scored": 2, "invalid": 1, "missing": 1}


def test_a_call_that_takes_too_long_is_given_up():
    """The feed goes on without its scores after the book's time."""
    endpoint = Endpoint(seconds=5)
    bench = Bench(endpoint)

    async def timed() -> tuple[list[dict[int, float]], float]:
        return await bench.score_all([1]), asyncio.get_running_loop().time()

    found, ended = run_virtually(timed())

    assert found == [{}]
    assert ended == pytest.approx(0.41)
    assert outcomes(bench.meters) == {"error": 1}


def test_the_halves_share_the_time_of_their_batch():
    """What the first half got in time is kept."""

    def answer(sent: Sequence[ScoredItem]) -> ParsedScores:
        if len(sent) == 4:
            raise InvalidAnswerError("prose")
        return good(sent)

    bench = Bench(Endpoint(answer, seconds=0.15))

    assert run_virtually(bench.score_all([1, 2, 3, 4])) == [{1: 0.001, 2: 0.002}]
    assert outcomes(bench.meters) == {"scored": 2, "error": 2}


def test_a_caller_that_is_cancelled_takes_nobody_along():
    """The call goes on for the other one, with the items of both."""
    endpoint = Endpoint()
    bench = Bench(endpoint)

    async def one_leaves() -> dict[int, float]:
        leaving = asyncio.create_task(bench.batcher.score(items(1, 2)))
        staying = asyncio.create_task(bench.batcher.score(items(2, 3)))
        await asyncio.sleep(0.05)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        return dict(await staying)

    assert run_virtually(one_leaves()) == {2: 0.002, 3: 0.003}
    assert endpoint.calls == [[1, 2, 3]]


def test_an_error_nobody_thought_of_leaves_nobody_waiting():
    """The items are settled, and the event loop tells of the bug."""
    bench = Bench(Endpoint(lambda sent: good([sent[99]])))
    told: list[object] = []

    async def watched() -> list[dict[int, float]]:
        asyncio.get_running_loop().set_exception_handler(
            lambda _loop, context: told.append(context["exception"])
        )
        return await bench.score_all([1])

    assert run_virtually(watched()) == [{}]
    assert outcomes(bench.meters) == {"error": 1}
    assert [type(error) for error in told] == [IndexError]


def test_close_sends_what_is_collected_and_takes_nothing_more():
    """Whoever waits gets the scores; whoever comes later gets none, at once."""
    endpoint = Endpoint()
    bench = Bench(endpoint)

    async def closing() -> tuple[dict[int, float], dict[int, float], float]:
        waiting = asyncio.create_task(bench.batcher.score(items(1)))
        await asyncio.sleep(0)
        await bench.batcher.close()
        ended = asyncio.get_running_loop().time()
        return dict(await waiting), dict(await bench.batcher.score(items(2))), ended

    found, late, ended = run_virtually(closing())

    assert (found, late) == ({1: 0.001}, {})
    assert ended == pytest.approx(0.08)
    assert endpoint.calls == [[1]]


def test_nothing_asked_nothing_sent():
    """An empty request does not open a window."""
    endpoint = Endpoint()

    assert run_virtually(Bench(endpoint).score_all([])) == [{}]
    assert endpoint.calls == []


def test_batches_and_waiting_times_are_measured():
    """Items a call, and how long each item waited for it."""
    bench = Bench(Endpoint())

    run_virtually(bench.score_all([1, 2], [3]))

    assert counted(bench.meters, "model_batch_items_count") == 1
    assert counted(bench.meters, "model_batch_items_sum") == 3
    assert counted(bench.meters, "model_queue_seconds_count") == 3
    assert counted(bench.meters, "model_queue_seconds_sum") == pytest.approx(0.03)


def test_the_options_are_those_of_the_book():
    """Milliseconds and durations become seconds."""
    options = BatchOptions.of(
        Model(batch_milliseconds=25, batch_items=64, concurrent_calls=32, timeout="400ms")
    )

    assert (options.window_seconds, options.timeout_seconds, options.queue_items) == (0.025, 0.4, 64 * 32 * 2)


@settings(max_examples=60, deadline=None)
@given(
    requests=st.lists(
        st.tuples(st.integers(0, 40), st.lists(st.integers(0, 12), max_size=6), st.booleans()), max_size=12
    ),
    fates=st.lists(st.sampled_from(["good", "invalid", "failed", "slow", "partial"]), min_size=1, max_size=5),
    window_seconds=st.sampled_from([0.0, 0.01]),
)
def test_however_requests_come_each_gets_only_scores_of_its_own_items(requests, fates, window_seconds):
    """Any arrivals, any failures, some callers cancelled: right scores, every item counted once, an end."""
    turn = iter(range(10**6))

    def fate_of(sent: Sequence[ScoredItem]) -> ParsedScores:
        match fates[next(turn) % len(fates)]:
            case "invalid":
                raise InvalidAnswerError("prose")
            case "failed":
                raise CallFailedError("gone")
            case "partial":
                return ParsedScores(scores={1: sent[0].content_id / 1000}, invalid=frozenset())
            case _:
                return good(sent)

    endpoint = Endpoint(fate_of, seconds=0.5 if fates[0] == "slow" else 0.02)
    bench = Bench(endpoint, window_seconds=window_seconds)

    async def arrive(at_ms: int, ids: Sequence[int], *, leaves: bool) -> None:
        await asyncio.sleep(at_ms / 1000)
        asked = asyncio.create_task(bench.batcher.score(items(*ids)))
        if leaves:
            await asyncio.sleep(0.005)
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)
            return
        found = await asked
        assert found == {content_id: content_id / 1000 for content_id in found}
        assert set(found) <= set(ids)

    async def all_of_them() -> None:
        await asyncio.gather(*(arrive(at, ids, leaves=leaves) for at, ids, leaves in requests))
        await bench.batcher.close()

    run_virtually(all_of_them())

    sent_items = {content_id for call in endpoint.calls for content_id in call}
    assert sent_items <= {content_id for _, ids, _ in requests for content_id in ids}
    assert all(len(set(call)) == len(call) <= 4 for call in endpoint.calls) or window_seconds == 0
    assert endpoint.most_at_once <= 2
    assert bench.batcher._on_their_way == 0
    assert not bench.batcher._shared
