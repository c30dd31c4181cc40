"""How is the simulated scoring model started: `python -m opsctl.service.scoring.simulated --port N`."""

import argparse
import asyncio
import signal
import sys

from opsctl.service.scoring.stand_in import Behaviour, StandIn

_MOST_CONNECTIONS = 1024


def main() -> int:
    """Serve until SIGTERM or SIGINT; return the exit code."""
    import uvloop

    arguments = _parse(sys.argv[1:])
    behaviour = Behaviour(
        latency_ms=arguments.latency_ms,
        jitter_ms=arguments.jitter_ms,
        per_item_ms=arguments.per_item_ms,
        error_rate=arguments.error_rate,
        invalid_rate=arguments.invalid_rate,
        seed=arguments.seed,
    )
    uvloop.run(_serve(StandIn(behaviour), host=arguments.host, port=arguments.port))
    return 0


async def _serve(application: StandIn, *, host: str, port: int) -> None:
    from granian.constants import HTTPModes, Interfaces
    from granian.server.embed import Server

    server = Server(
        application,
        address=host,
        port=port,
        interface=Interfaces.ASGINL,
        # Where HTTP/2 may come, a connection waits for its first bytes without end; the head of a request has 30 s.
        http=HTTPModes.http1,
        log_enabled=False,
        websockets=False,
        backlog=_MOST_CONNECTIONS,
        backpressure=_MOST_CONNECTIONS,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, server.stop)
    await server.serve()


def _parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m opsctl.service.scoring.simulated",
        description="A stand-in for a scoring model; every answer says so (header X-Simulated, model simulated-*).",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, required=True, help="port to listen on")
    parser.add_argument("--latency-ms", type=_not_negative, default=80.0, help="mean time of an answer")
    parser.add_argument("--jitter-ms", type=_not_negative, default=10.0, help="up to so much more or less")
    parser.add_argument("--per-item-ms", type=_not_negative, default=0.0, help="on top, for each item")
    parser.add_argument("--error-rate", type=_share, default=0.0, help="share of calls answered with 503")
    parser.add_argument("--invalid-rate", type=_share, default=0.0, help="share of calls answered with prose")
    parser.add_argument("--seed", type=int, default=1, help="decides scores, jitter, errors")
    return parser.parse_args(words)


def _not_negative(text: str) -> float:
    number = float(text)
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"`{text}` is not a number from 0 up")
    return number


def _share(text: str) -> float:
    number = float(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"`{text}` is not from 0 to 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
