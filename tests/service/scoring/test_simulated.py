"""The simulated model: a process that speaks the protocol, keeps its rates, counts, and says what it is."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from tests.fakes.virtual_time import run_virtually
from tests.http2_beginning import speaks_http2
from tests.service.scoring.items import counted, items, outcomes
from tests.service.scoring.simulated_model import simulated_model

from opsctl.service.book import Model
from opsctl.service.scoring.make import make_scorer
from opsctl.service.scoring.prompt import chat_messages
from opsctl.service.scoring.stand_in import Behaviour, StandIn
from opsctl.service.telemetry.meters import Meters


def request_for(*content_ids: int) -> dict[str, Any]:
    """Return what the service sends for some items."""
    return {"model": "tiny", "messages": chat_messages(items(*content_ids))}


async def ask(stand_in: StandIn, body: bytes | dict[str, Any]) -> httpx.Response:
    """Send one completion request to the application itself."""
    transport = httpx.ASGITransport(stand_in)
    async with httpx.AsyncClient(transport=transport, base_url="http://simulated") as client:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await client.post("/v1/chat/completions", content=content)


def test_every_answer_is_labelled():
    """Header and model name say that nobody judged anything."""
    answer = run_virtually(ask(StandIn(Behaviour()), request_for(1)))

    assert answer.headers["x-simulated"] == "true"
    assert answer.json()["model"] == "simulated-tiny"


def test_an_answer_takes_the_set_time():
    """80 ms, 10 either way, and 2 for each item."""

    async def timed() -> list[float]:
        stand_in = StandIn(Behaviour(latency_ms=80, jitter_ms=10, per_item_ms=2))
        loop, seconds = asyncio.get_running_loop(), []
        for _ in range(50):
            began = loop.time()
            await ask(stand_in, request_for(1, 2, 3, 4, 5))
            seconds.append(loop.time() - began)
        return seconds

    seconds = run_virtually(timed())

    assert 0.080 <= min(seconds) < max(seconds) <= 0.100
    assert sum(seconds) / 50 == pytest.approx(0.090, abs=0.003)


@pytest.mark.slow
def test_failures_come_at_their_rates_and_the_same_for_a_seed():
    """Of 400 calls about 30 % fail and 20 % answer with prose; another seed fails elsewhere."""

    async def fates(seed: int) -> tuple[list[int], StandIn]:
        stand_in = StandIn(Behaviour(latency_ms=0, jitter_ms=0, error_rate=0.3, invalid_rate=0.2, seed=seed))
        return [(await ask(stand_in, request_for(1))).status_code for _ in range(400)], stand_in

    first, stand_in = run_virtually(fates(1))

    assert 90 <= stand_in.stats.errors == first.count(503) <= 150
    assert 50 <= stand_in.stats.invalid <= 110
    assert run_virtually(fates(1))[0] == first != run_virtually(fates(2))[0]


def test_tokens_are_characters_by_four_and_add_up():
    """What the answer says of its usage is what the stand-in counts."""
    stand_in = StandIn(Behaviour(latency_ms=0))
    request = request_for(1, 2)
    answer = run_virtually(ask(stand_in, request)).json()

    asked = sum(len(message["content"]) for message in request["messages"])
    told = len(answer["choices"][0]["message"]["content"])
    assert answer["usage"] == {
        "prompt_tokens": -(-asked // 4),
        "completion_tokens": -(-told // 4),
        "total_tokens": -(-asked // 4) - (-told // 4),
    }
    assert (stand_in.stats.calls, stand_in.stats.items) == (1, 2)
    assert stand_in.stats.prompt_tokens == -(-asked // 4)


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff", b"[]", b'{"messages": []}', b'{"messages": [{"content": "hello"}]}', b'{"messages": [7]}'],
)
def test_a_request_that_it_does_not_know_is_refused(body):
    """It stands in for scoring only."""
    stand_in = StandIn(Behaviour())

    assert run_virtually(ask(stand_in, body)).status_code == 400
    assert (stand_in.stats.refused, stand_in.stats.items) == (1, 0)


def scored(url: str, meters: Meters, *groups: list[int], **model: Any) -> list[Mapping[int, float]]:
    """Let requests for these items come at once."""

    async def together() -> list[Mapping[int, float]]:
        chosen = Model(**({"provider": "simulated", "url": url, "timeout": "5s"} | model))
        scorer = make_scorer(chosen, api_key=None, meters=meters)
        found = await asyncio.gather(*(scorer.score(items(*ids)) for ids in groups))
        await scorer.close()
        return list(found)

    return asyncio.run(together())


@pytest.mark.slow
def test_both_sides_count_the_same():
    """Calls, items and tokens of the service's meters are those of the endpoint's own `/stats`."""
    meters = Meters()
    with simulated_model(
        "--latency-ms", "5", "--error-rate", "0.2", "--invalid-rate", "0.1", "--seed", "3"
    ) as model:
        groups = [list(range(start, start + 6)) for start in range(0, 120, 3)]
        found = scored(model.url, meters, *groups, batch_items=8, concurrent_calls=10)
        stats = model.stats()

    calls = {
        outcome: counted(meters, "model_calls_total", outcome=outcome)
        for outcome in ("ok", "error", "invalid")
    }
    assert calls == {"ok": stats["answered"], "error": stats["errors"], "invalid": stats["invalid"]}
    assert stats["errors"] > 0
    assert counted(meters, "model_tokens_total", direction="input") == stats["prompt_tokens"]
    assert counted(meters, "model_tokens_total", direction="output") == stats["completion_tokens"]
    assert stats["most_in_flight"] <= 10
    assert sum(outcomes(meters).values()) == 123
    assert all(set(scores) <= set(ids) for scores, ids in zip(found, groups, strict=True))


def test_batching_saves_calls():
    """Forty requests for six items each: one call each without a window, few with one."""
    groups = [list(range(start, start + 6)) for start in range(0, 240, 6)]
    with simulated_model("--latency-ms", "5") as model:
        scored(model.url, Meters(), *groups, batch_milliseconds=0)
        alone = model.stats()["calls"]
        scored(model.url, Meters(), *groups, batch_milliseconds=25)
        together = model.stats()["calls"] - alone

    assert (alone, together) == (40, 4)


def test_it_ends_with_sigterm():
    """Exit code 0, and the port is free again; nobody could make it wait for HTTP/2 meanwhile."""
    with simulated_model() as model:
        assert not speaks_http2(httpx.URL(model.root).port or 0)
        assert model.stop() == 0
        with pytest.raises(httpx.ConnectError):
            model.stats()


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--port", "1", "--error-rate", "1.5"],
        ["--port", "1", "--latency-ms", "-1"],
        ["--port", "1", "--invalid-rate", "x"],
    ],
)
def test_wrong_arguments_are_a_usage_error(arguments):
    """Exit 2, with what is wrong."""
    command = [sys.executable, "-m", "opsctl.service.scoring.simulated", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert "error:" in ended.stderr
