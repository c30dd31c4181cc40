"""How is the application behind the edge called: a whole answer caught, or one passed through; bodies read within limits."""

import asyncio

from opsctl.service.edge import problems
from opsctl.service.edge.asgi import Application, Message, Receive, Scope
from opsctl.service.edge.caught import Caught


class ClientGoneError(Exception):
    """The client closed the connection before its request was whole."""


class BrokenAnswerError(Exception):
    """The application ended without a whole answer."""


async def catch(application: Application, scope: Scope) -> Caught:
    """Call the application for a request without a body and return its whole answer.

    Raises:
        BrokenAnswerError: it ended without one.
    """
    caught, is_whole = Caught(), False
    pieces: list[bytes] = []

    async def send(message: Message) -> None:
        nonlocal is_whole
        if message["type"] == "http.response.start":
            caught.status = message["status"]
            caught.headers = list(message.get("headers", ()))
        elif message["type"] == "http.response.body":
            pieces.append(message.get("body", b""))
            is_whole = not message.get("more_body", False)

    await application(scope, replay(b""), send)
    if not is_whole:
        raise BrokenAnswerError(scope["path"])
    caught.body = b"".join(pieces)
    return caught


def replay(body: bytes, then: Receive | None = None) -> Receive:
    """Return a `receive` that gives a body that was read already, and afterwards what the client does."""
    is_given = False

    async def receive() -> Message:
        nonlocal is_given
        if not is_given:
            is_given = True
            return {"type": "http.request", "body": body, "more_body": False}
        if then is not None:
            return await then()
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]  # nobody leaves

    return receive


def has_body(headers: dict[bytes, bytes]) -> bool:
    """Tell whether a request announces a body."""
    return headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers


async def read_body(
    receive: Receive, *, headers: dict[bytes, bytes], most_bytes: int, within_seconds: float
) -> bytes:
    """Return the whole body, which is small: an application never sees one that is too large or that dribbles.

    Raises:
        RefusedError: it is larger than `most_bytes`, not there in time, or its chunks are broken.
        ClientGoneError: the client left before it was whole.
    """
    announced = headers.get(b"content-length", b"0")
    if not announced.isdigit():
        raise problems.malformed("`Content-Length` is not a number")
    if len(announced) > 18 or int(announced) > most_bytes:
        raise problems.too_large(most_bytes)
    try:
        async with asyncio.timeout(within_seconds):
            return await _read(receive, most_bytes=most_bytes)
    except TimeoutError as error:
        raise problems.too_slow(within_seconds) from error
    except ClientGoneError as error:
        # The server says the same of chunks that it cannot read, whose sender still waits for an answer.
        if b"transfer-encoding" in headers:
            raise problems.broken_body() from error
        raise


async def _read(receive: Receive, *, most_bytes: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        piece = message.get("body", b"")
        size += len(piece)
        if size > most_bytes:
            raise problems.too_large(most_bytes)
        pieces.append(piece)
        if not message.get("more_body", False):
            return b"".join(pieces)
