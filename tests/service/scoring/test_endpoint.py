"""Asking an endpoint over real HTTP: what is sent, what counts, what is tried again, what is given up."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import pytest
from tests.service.scoring.items import counted, items
from tests.service.scoring.scripted_endpoint import Reply, all_scored, completion, scripted_endpoint

from opsctl.service.book import Model
from opsctl.service.resilience.retry_budget import RetryBudget
from opsctl.service.scoring.endpoint import CallFailedError, ModelEndpoint
from opsctl.service.scoring.parse import InvalidAnswerError, ParsedScores
from opsctl.service.telemetry.meters import Meters

Replies = Sequence[Reply | Callable[[dict[str, Any]], Reply]]
SCORED = '{"scores": [{"id": 1, "score": 0.5}]}'


def good(request: dict[str, Any]) -> Reply:
    """Score all items."""
    return Reply(body=all_scored(request))


def ask(
    url: str,
    *,
    meters: Meters | None = None,
    api_key: str | None = None,
    budget: RetryBudget | None = None,
    **model: Any,
) -> ParsedScores:
    """Ask once for two items."""

    async def once() -> ParsedScores:
        chosen = Model(**({"provider": "openai", "url": url, "timeout": "2s"} | model))
        endpoint = ModelEndpoint(chosen, api_key=api_key, meters=meters or Meters(), budget=budget)
        try:
            return await endpoint.ask(items(71, 72))
        finally:
            await endpoint.close()

    return asyncio.run(once())


def calls(meters: Meters) -> tuple[int, int, int]:
    """Return calls by outcome: ok, error, invalid."""
    found = [counted(meters, "model_calls_total", outcome=outcome) for outcome in ("ok", "error", "invalid")]
    return int(found[0]), int(found[1]), int(found[2])


def test_one_post_holds_all_items_key_model_and_the_wish_for_json():
    """To `/chat/completions` below the address of the book."""
    with scripted_endpoint([good]) as server:
        parsed = ask(server.url + "/", api_key="k-1", name="tiny")

    assert parsed.scores == {1: 0.5, 2: 0.5}
    ((path, headers, body),) = server.requests
    assert path == "/v1/chat/completions"
    assert headers["authorization"] == "Bearer k-1"
    assert (body["model"], body["temperature"], body["response_format"]) == (
        "tiny",
        0,
        {"type": "json_object"},
    )


def test_without_a_key_no_authorization_is_sent():
    """Local endpoints want none."""
    with scripted_endpoint([good]) as server:
        ask(server.url)

    assert "authorization" not in server.requests[0][1]


def test_tokens_and_dollars_are_those_of_usage_and_book():
    """1,000 tokens in at 2 dollars a million, 100 out at 10."""
    meters = Meters()
    with scripted_endpoint(
        [Reply(body=completion(SCORED, prompt_tokens=1000, completion_tokens=100))]
    ) as server:
        ask(server.url, meters=meters, input_dollars_per_million=2.0, output_dollars_per_million=10.0)

    assert counted(meters, "model_tokens_total", direction="input") == 1000
    assert counted(meters, "model_tokens_total", direction="output") == 100
    assert counted(meters, "model_cost_dollars_total") == pytest.approx(0.003)
    assert calls(meters) == (1, 0, 0)
    assert counted(meters, "model_call_duration_seconds_count") == 1


def test_an_answer_that_is_no_use_costs_its_tokens_all_the_same():
    """The endpoint charges for prose as well."""
    meters = Meters()
    with (
        scripted_endpoint([Reply(body=completion("Sure!", prompt_tokens=10, completion_tokens=2))]) as server,
        pytest.raises(InvalidAnswerError),
    ):
        ask(server.url, meters=meters)

    assert counted(meters, "model_tokens_total", direction="input") == 10
    assert calls(meters) == (0, 0, 1)


@pytest.mark.parametrize(
    "usage", [{"prompt_tokens": -5, "completion_tokens": -1}, {}], ids=["negative", "missing"]
)
def test_tokens_that_make_no_sense_count_nothing(usage):
    """A counter never goes down, and nothing is estimated."""
    meters = Meters()
    with scripted_endpoint([Reply(body=completion(SCORED, **usage))]) as server:
        ask(server.url, meters=meters, input_dollars_per_million=2.0)

    assert counted(meters, "model_tokens_total", direction="input") == 0
    assert counted(meters, "model_cost_dollars_total") == 0


@pytest.mark.parametrize(
    "trouble",
    [Reply(status=503), Reply(status=429, headers={"Retry-After": "0"}), Reply(drops=True)],
    ids=["503", "429", "dropped"],
)
def test_what_passes_is_tried_again_within_the_time(trouble):
    """Each attempt counts as a call."""
    meters = Meters()
    with scripted_endpoint([trouble, good]) as server:
        parsed = ask(server.url, meters=meters)

    assert parsed.scores == {1: 0.5, 2: 0.5}
    assert calls(meters) == (1, 1, 0)


def test_three_attempts_are_all():
    """A service that scores must not become its endpoint's load test."""
    meters = Meters()
    with scripted_endpoint([Reply(status=503)]) as server, pytest.raises(CallFailedError, match="status 503"):
        ask(server.url, meters=meters)

    assert calls(meters) == (0, 3, 0)


@pytest.mark.parametrize(
    ("failures_before", "replies", "retried", "refused"),
    [
        (0, [Reply(status=503), good], 1, 0),
        (0, [Reply(status=503)], 2, 0),
        # The budget ends at more than half of ten: with the failure of the first, second or third attempt.
        (4, [Reply(status=503)], 0, 1),
        (3, [Reply(status=503)], 1, 1),
        (2, [Reply(status=503)], 2, 0),
        (4, [Reply(status=400)], 0, 0),
    ],
)
def test_a_retry_counts_when_it_is_made_or_refused(
    failures_before: int, replies: Replies, retried: int, refused: int
) -> None:
    """After the last attempt there is none left that could be made, or refused."""
    meters, budget = Meters(), RetryBudget()
    for _ in range(failures_before):
        budget.failed()

    with scripted_endpoint(replies) as server, suppress(CallFailedError):
        ask(server.url, meters=meters, budget=budget)

    found = [
        counted(meters, "retries_total", dependency="model", outcome=outcome)
        for outcome in ("retried", "refused")
    ]
    assert found == [retried, refused]
    assert len(server.requests) == 1 + retried


def test_a_pause_that_outlasts_the_time_is_not_waited_for():
    """`Retry-After: 60` with a time limit of two seconds means: not now."""
    with (
        scripted_endpoint([Reply(status=429, headers={"Retry-After": "60"})]) as server,
        pytest.raises(CallFailedError, match="status 429"),
    ):
        ask(server.url)

    assert len(server.requests) == 1


def test_a_pause_that_fits_is_kept():
    """The endpoint asked for a tenth of a second; the second attempt does not come before."""
    waited: list[float] = []

    async def timed(url: str) -> None:
        began = asyncio.get_running_loop().time()
        endpoint = ModelEndpoint(
            Model(provider="openai", url=url, timeout="5s"), api_key=None, meters=Meters()
        )
        await endpoint.ask(items(1))
        await endpoint.close()
        waited.append(asyncio.get_running_loop().time() - began)

    with scripted_endpoint([Reply(status=503, headers={"Retry-After": "0.3"}), good]) as server:
        asyncio.run(timed(server.url))

    assert waited[0] >= 0.3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500, 502])
def test_what_will_not_pass_is_not_tried_again(status):
    """A wrong key stays wrong; a broken gateway may have charged already."""
    with (
        scripted_endpoint([Reply(status=status)]) as server,
        pytest.raises(CallFailedError, match=str(status)),
    ):
        ask(server.url)

    assert len(server.requests) == 1


def test_nobody_there_is_an_error_after_attempts():
    """A port on which nothing listens."""
    with scripted_endpoint([good]) as server:
        gone = server.url
    meters = Meters()

    with pytest.raises(CallFailedError, match="ConnectionRefusedError"):
        ask(gone, meters=meters)

    assert calls(meters) == (0, 3, 0)


def test_an_answer_that_takes_too_long_is_an_error_once():
    """The time is over, so there is none for another attempt."""
    meters = Meters()
    with (
        scripted_endpoint([Reply(after_seconds=30)]) as server,
        pytest.raises(CallFailedError, match="no answer within 100ms"),
    ):
        ask(server.url, meters=meters, timeout="100ms")

    assert calls(meters) == (0, 1, 0)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"{}",
        b'{"choices": []}',
        b'{"choices": [{"message": {"content": null}}]}',
        b'{"choices": [{"message": {"content": "\xff"}}]}',
        b"[" * 100_000,
        b" " * 2_000_000,
    ],
    ids=["empty", "html", "no choices", "no choice", "refusal", "no utf-8", "deep", "large"],
)
def test_a_body_that_is_no_completion_is_invalid(body):
    """It is counted, and read no further than a megabyte."""
    meters = Meters()
    with scripted_endpoint([Reply(body=body)]) as server, pytest.raises(InvalidAnswerError):
        ask(server.url, meters=meters)

    assert calls(meters) == (0, 0, 1)


def test_a_stand_in_that_says_so_is_believed():
    """An address that was taken for a real model is labelled from its first answer on."""

    async def labels(url: str, provider: str) -> list[bool]:
        chosen = Model.model_validate({"provider": provider, "url": url, "timeout": "2s"})
        endpoint = ModelEndpoint(chosen, api_key=None, meters=Meters())
        before = endpoint.is_simulated
        await endpoint.ask(items(1))
        await endpoint.close()
        return [before, endpoint.is_simulated]

    def stand_in(request: dict[str, Any]) -> Reply:
        return Reply(body=all_scored(request), headers={"X-Simulated": "true"})

    with scripted_endpoint([stand_in]) as server:
        assert asyncio.run(labels(server.url, "openai")) == [False, True]
        assert asyncio.run(labels(server.url, "simulated")) == [True, True]


def test_trouble_is_logged_when_it_begins_and_when_it_ends(caplog):
    """Not with every call, and never with the key."""
    caplog.set_level(logging.INFO, logger="opsctl.service.scoring.endpoint")

    async def four_calls(url: str) -> None:
        chosen = Model(provider="openai", url=url, timeout="2s")
        endpoint = ModelEndpoint(chosen, api_key="k-secret", meters=Meters())
        for _ in range(4):
            await asyncio.gather(endpoint.ask(items(1)), return_exceptions=True)
        await endpoint.close()

    with scripted_endpoint([Reply(status=401), Reply(status=401), good, good]) as server:
        asyncio.run(four_calls(server.url))

    said = [record.getMessage() for record in caplog.records if record.name.startswith("opsctl")]
    assert said == [
        "the scoring model gives no usable answer: status 401",
        "the scoring model answers again",
    ]


def test_whether_the_model_can_be_used_shows_as_a_dependency():
    """As its last call ended; before any there is no reason to doubt it."""
    meters = Meters()
    seen: list[float | None] = []

    def note() -> None:
        labels = {"dependency": "model"}
        seen.append(meters.registry.get_sample_value("ranking_dependency_up", labels))

    async def three_calls(url: str) -> None:
        endpoint = ModelEndpoint(Model(provider="openai", url=url, timeout="2s"), api_key=None, meters=meters)
        note()
        for _ in range(3):
            await asyncio.gather(endpoint.ask(items(1)), return_exceptions=True)
            note()
        await endpoint.close()

    with scripted_endpoint([Reply(status=401), Reply(body=b"nonsense"), good]) as server:
        asyncio.run(three_calls(server.url))

    assert seen == [1, 0, 0, 1]
