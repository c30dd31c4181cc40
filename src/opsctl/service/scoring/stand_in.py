"""What does the simulated model answer: OpenAI's protocol with set latency, errors and tokens, always labelled.

Scores are those of the heuristic, moved by up to 0.1 either way by a digest of seed and title: stable for an item,
and no judgement of anybody. Tokens are counted as characters / 4, rounded up, of all messages and of the answer.
"""

import asyncio
import math
import random
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any

import orjson

from opsctl.service.scoring.heuristic import heuristic_score
from opsctl.service.scoring.ports import ScoredItem

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_CHARACTERS_PER_TOKEN = 4
_LARGEST_BODY_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How the stand-in behaves; rates are shares of the calls, drawn from the seed."""

    latency_ms: float = 80.0
    jitter_ms: float = 10.0
    per_item_ms: float = 0.0
    error_rate: float = 0.0
    invalid_rate: float = 0.0
    seed: int = 1


@dataclass(slots=True, kw_only=True)
class Stats:
    """What the endpoint saw, counted on its side; `calls` is the sum of answered, errors, invalid and refused."""

    calls: int = 0
    answered: int = 0
    errors: int = 0
    invalid: int = 0
    refused: int = 0
    items: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    in_flight: int = 0
    most_in_flight: int = 0


class StandIn:
    """The endpoint as a bare ASGI application."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._random = random.Random(behaviour.seed)  # noqa: S311 - a seed, not a secret
        self.stats = Stats()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        match scope["method"], scope["path"].rstrip("/"):
            case "POST", path if path.endswith("/chat/completions"):
                await self._complete(receive, send)
            case "GET", "/stats":
                await _send(send, 200, asdict(self.stats) | {"simulated": True})
            case "GET", "/healthz":
                await _send(send, 200, {"status": "ok", "simulated": True})
            case _:
                await _send(send, 404, _error("there is no such address"))

    async def _complete(self, receive: Receive, send: Send) -> None:
        stats = self.stats
        stats.calls += 1
        stats.in_flight += 1
        stats.most_in_flight = max(stats.most_in_flight, stats.in_flight)
        try:
            status, answer = await self._answer(await _read(receive))
        finally:
            stats.in_flight -= 1
        await _send(send, status, answer)

    async def _answer(self, body: bytes) -> tuple[int, dict[str, Any]]:
        try:
            request = orjson.loads(body)
            messages = [str(message["content"]) for message in request["messages"]]
            items = [_item_of(shown) for shown in orjson.loads(messages[-1])["items"]]
        except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            self.stats.refused += 1
            return 400, _error(f"the request is not one that this stand-in knows: {type(error).__name__}")
        # Drawn in one place, so that the n-th call of a seed always meets the same fate.
        fate, shift = self._random.random(), self._random.uniform(-1, 1)
        await asyncio.sleep(self._latency_seconds(len(items), shift=shift))
        if fate < self._behaviour.error_rate:
            self.stats.errors += 1
            return 503, _error("simulated failure")
        is_invalid = fate < self._behaviour.error_rate + self._behaviour.invalid_rate
        text = self._text(items, is_invalid=is_invalid)
        return 200, self._completion(
            request, messages=messages, text=text, is_invalid=is_invalid, items=len(items)
        )

    def _latency_seconds(self, items: int, *, shift: float) -> float:
        set_ms = self._behaviour.latency_ms + self._behaviour.per_item_ms * items
        return max(0.0, set_ms + shift * self._behaviour.jitter_ms) / 1000

    def _text(self, items: list[ScoredItem], *, is_invalid: bool) -> str:
        if is_invalid:
            return "Certainly! Here are the scores that you asked for: all of them are excellent."
        scores = [{"id": item.content_id, "score": self._score(item)} for item in items]
        return orjson.dumps({"scores": scores}).decode()

    def _score(self, item: ScoredItem) -> float:
        digest = blake2b(f"{self._behaviour.seed}:{item.title}".encode(), digest_size=4).digest()
        moved = heuristic_score(item) + (int.from_bytes(digest, "big") / 0xFFFFFFFF - 0.5) * 0.2
        return round(min(1.0, max(0.0, moved)), 4)

    def _completion(
        self, request: dict[str, Any], *, messages: list[str], text: str, is_invalid: bool, items: int
    ) -> dict[str, Any]:
        usage = {"prompt_tokens": count_tokens(*messages), "completion_tokens": count_tokens(text)}
        stats = self.stats
        stats.answered += not is_invalid
        stats.invalid += is_invalid
        stats.items += items
        stats.prompt_tokens += usage["prompt_tokens"]
        stats.completion_tokens += usage["completion_tokens"]
        return {
            "id": f"simulated-{stats.calls}",
            "object": "chat.completion",
            "created": 0,
            "model": f"simulated-{request.get('model', '')}"[:200],
            "choices": [
                {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
            ],
            "usage": usage | {"total_tokens": sum(usage.values())},
        }


def count_tokens(*texts: str) -> int:
    """Return the tokens of some texts by the rule of thumb of four characters a token.

    >>> count_tokens("12345", "678")
    2
    """
    return math.ceil(sum(map(len, texts)) / _CHARACTERS_PER_TOKEN)


def _item_of(shown: dict[str, Any]) -> ScoredItem:
    return ScoredItem(
        content_id=int(shown["id"]),
        title=str(shown["title"]),
        description=str(shown["description"]),
        category=str(shown["category"]),
        region=str(shown["region"]),
        price_usd=None if shown["price_usd"] is None else float(shown["price_usd"]),
        quality=float(shown["quality"]),
        tags=tuple(map(str, shown["tags"])),
    )


def _error(why: str) -> dict[str, Any]:
    return {"error": {"message": why, "type": "simulated"}}


async def _read(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body", False) or len(body) > _LARGEST_BODY_BYTES:
            return bytes(body)


async def _send(send: Send, status: int, answer: dict[str, Any]) -> None:
    body = orjson.dumps(answer)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"x-simulated", b"true"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
