"""How the vector node is started: `python -m opsctl.stack.vector_node --port N --data DIR`."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path

from opsctl.clients.files import FileLock
from opsctl.core.errors import OpsError
from opsctl.stack.vector_node.light_models import skip_client_imports
from opsctl.stack.vector_node.logs import facts, log_to_stderr, logger

_MOST_CONNECTIONS = 1024


def main() -> int:
    """Serve until SIGTERM or SIGINT; return the exit code."""
    arguments = _parse(sys.argv[1:])
    log_to_stderr()
    skip_client_imports()
    try:
        key = None if arguments.api_key_file is None else arguments.api_key_file.read_text().strip()
        if key == "":
            logger.error("the file of the API key is empty", extra=facts(file=str(arguments.api_key_file)))
            return 2
        with FileLock(arguments.data / ".lock", what="serving this directory as a vector node"):
            _run(_serve(arguments.host, port=arguments.port, data=arguments.data, api_key=key))
    except OpsError as error:
        logger.error(error.message, extra=facts(why=error.why))
        return int(error.exit_code)
    except OSError as error:
        logger.error("cannot serve", extra=facts(why=str(error)))
        return 3
    return 0


async def _serve(host: str, *, port: int, data: Path, api_key: str | None) -> None:
    from granian.constants import HTTPModes, Interfaces
    from granian.server.embed import Server

    from opsctl.stack.vector_node.front import Front
    from opsctl.stack.vector_node.node import Node

    node = Node(data)
    server = Server(
        Front(node, api_key=api_key),
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
    opening = asyncio.create_task(node.open_all())
    try:
        await server.serve()
    finally:
        opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)
        await node.close()


def _run(serving: Coroutine[None, None, None]) -> None:
    import uvloop

    uvloop.run(serving)


def _parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m opsctl.stack.vector_node", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, required=True, help="port to listen on")
    parser.add_argument("--data", type=Path, required=True, help="directory of everything that is stored")
    parser.add_argument("--api-key-file", type=Path, help="file with the key that every request must bring")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
