"""What does an address answer to a probe: in its whole time, and of a long body the beginning."""

import asyncio
from typing import TYPE_CHECKING

from opsctl.chaos.probes import Probe, ProbeAnswer

if TYPE_CHECKING:
    import httpx

_MOST_CHARACTERS = 4_000_000


def ask(probe: Probe) -> ProbeAnswer:
    """Ask once; what is not there, or not whole in time, is no answer (status 0).

    The clients' own limits are for each read, so a server that drips would hold the drill, and nobody keep its faults.
    """
    import httpx

    try:
        return asyncio.run(_asked(probe))
    except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, UnicodeError):
        return ProbeAnswer(status=0)


async def _asked(probe: Probe) -> ProbeAnswer:
    import httpx

    from opsctl.core.units import parse_duration

    seconds = parse_duration(probe.timeout)
    async with (
        asyncio.timeout(seconds),
        httpx.AsyncClient(trust_env=False, timeout=seconds) as client,
        client.stream("GET", probe.url) as answer,
    ):
        return ProbeAnswer(status=answer.status_code, body=await _beginning(answer))


async def _beginning(answer: "httpx.Response") -> str:
    parts, size = [], 0
    async for part in answer.aiter_text():
        parts.append(part)
        size += len(part)
        if size > _MOST_CHARACTERS:
            break
    return "".join(parts)
