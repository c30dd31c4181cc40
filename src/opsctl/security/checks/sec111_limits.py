"""Can a client tie the service down by size or by slowness?

Sizes: a body that announces ten megabytes, and one that goes on in chunks without an end, are refused before they are
read whole; so are an address of 64 KB, headers of 200 KB, and 1,000 headers. Slowness: clients that send a head, or a
body, a byte now and then are cut off within the seconds that the book says (`limits.body_seconds`) and a little more,
and meanwhile, with 60 of them connected, an honest client is answered within a second.
"""

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from opsctl.clients.wire import Wire
from opsctl.security.context import Context
from opsctl.security.model import Answer, CannotTellError, SecurityCheck, Trouble, Weight, failed, passed
from opsctl.security.probing.books import book_value
from opsctl.security.probing.shortage import is_unready
from opsctl.security.probing.target import ALL, UNLIMITED, Target, asking

_SLOW_CLIENTS = 60
_DEFAULT_BODY_SECONDS = 10.0
_HEAD_SECONDS = 10.0
_LONGEST_BODY_SECONDS = 20.0
_MARGIN_SECONDS = 3.0
_HONEST_SECONDS = 1.0
_LARGE_BYTES = 10 * 1024 * 1024
_CHUNK = b"10000\r\n" + b"x" * 65536 + b"\r\n"
_CHUNKS = 160
_REFUSALS = frozenset({400, 408, 411, 413, 414, 431})


def look(context: Context) -> Answer:
    """Send what is too large, then too slowly."""
    key = context.service.key(plan=UNLIMITED, scopes=ALL)
    body_seconds = float(book_value(context, "limits", "body_seconds", default=_DEFAULT_BODY_SECONDS))
    if body_seconds > _LONGEST_BODY_SECONDS:
        raise CannotTellError(
            f"the book lets a body take {body_seconds:g} s: longer than a probe waits",
            mend=f"lower `limits.body_seconds` in ops/service.yaml to {_LONGEST_BODY_SECONDS:g} or less",
        )
    with asking(context, seconds=body_seconds + _HEAD_SECONDS) as target:
        target.require_honest_served(key)
        host = f"{target.wire.host}:{target.wire.port}"
        head = f"Host: {host}\r\nAuthorization: Bearer {key}\r\n".encode()
        troubles = list(_too_large(target, head))
        slow = list(
            _too_slow(
                context, target, head, within_seconds=max(body_seconds, _HEAD_SECONDS) + _MARGIN_SECONDS
            )
        )
        troubles += slow
    if troubles:
        return failed(
            "a client can tie the service down",
            mend="keep the limits of ops/service.yaml, and limits of connections in front of the service",
            troubles=tuple(troubles),
        )
    if target.shortage:
        return target.shortage.answer()
    return passed(
        f"what is too large is refused, and {_SLOW_CLIENTS} slow clients are cut off within "
        f"{max(body_seconds, _HEAD_SECONDS):g} s while others are served",
        slow_clients=_SLOW_CLIENTS,
    )


def _too_large(target: Target, head: bytes) -> Iterator[Trouble]:
    post = b"POST /v1/interactions HTTP/1.1\r\n" + head + b"Content-Type: application/json\r\n"
    get = b"GET /v1/trending HTTP/1.1\r\n" + head
    large = {
        "a body of ten megabytes": [post + b"Content-Length: %d\r\n\r\n" % _LARGE_BYTES],
        "a body without an end": [post + b"Transfer-Encoding: chunked\r\n\r\n", *[_CHUNK] * _CHUNKS],
        "an address of 64 KB": [
            b"GET /v1/trending?region=" + b"a" * 65_536 + b" HTTP/1.1\r\n" + head + b"\r\n"
        ],
        "headers of 200 KB": [get + b"X-A: " + b"a" * 200_000 + b"\r\n\r\n"],
        "1,000 headers": [get + b"".join(b"X-%d: a\r\n" % number for number in range(1000)) + b"\r\n"],
    }
    for name, pieces in large.items():
        answer = target.raw(*pieces)
        if answer is not None and answer.status not in _REFUSALS and not is_unready(answer):
            yield Trouble(title=f"{name}: answered with {answer.status}", place="size")
        if not target.is_well():
            yield Trouble(title=f"{name}: the next client is not served", place="size")


def _too_slow(context: Context, target: Target, head: bytes, *, within_seconds: float) -> Iterator[Trouble]:
    begun = {
        "a head": b"GET /v1/trending HTTP/1.1\r\nHost: x\r\nX-A: ",
        "a body": b"POST /v1/interactions HTTP/1.1\r\n" + head + b"Content-Type: application/json\r\n"
        b"Content-Length: 1000\r\n\r\n{",
    }
    usual_seconds = _honest_seconds(target)
    with ExitStack() as exit_stack:
        slow = [
            (name, exit_stack.enter_context(_begun(context, text)))
            for name, text in begun.items()
            for _ in range(_SLOW_CLIENTS // len(begun))
        ]
        began = time.monotonic()
        honest_seconds = _honest_seconds(target)
        # A machine that is busy by itself answers late before, too.
        if honest_seconds > _HONEST_SECONDS + 5 * usual_seconds:
            title = f"an honest client waits {honest_seconds:.1f} s beside {len(slow)} slow ones"
            yield Trouble(title=title, place="slowness")
        left = _dribble(slow, until=began + within_seconds)
    for name in sorted({name for name, _ in left}):
        count = sum(each == name for each, _ in left)
        title = f"{count} clients that dribble {name} are still connected after {within_seconds:g} s"
        yield Trouble(title=title, place="slowness")


@contextmanager
def _begun(context: Context, text: bytes) -> Iterator[socket.socket]:
    """Give a connection on which a request was begun and is not ended."""
    with Wire(context.service.base_url) as wire:
        opened = wire.connected()
        opened.sendall(text)
        opened.settimeout(0)
        yield opened


def _honest_seconds(target: Target) -> float:
    """Return how long the quickest of three honest requests takes."""
    return min(target.get("/healthz").seconds for _ in range(3))


def _dribble(slow: list[tuple[str, socket.socket]], *, until: float) -> list[tuple[str, socket.socket]]:
    """Send a byte now and then to whoever has not hung up, and return those who have not in the end."""
    left = slow
    while left and time.monotonic() < until:
        time.sleep(0.5)
        left = [(name, each) for name, each in left if not _is_cut_off(each)]
    return left


def _is_cut_off(connection: socket.socket) -> bool:
    """Tell whether the server has answered or hung up; else send one byte more."""
    try:
        connection.recv(4096)
    except (BlockingIOError, ssl.SSLWantReadError):
        pass
    except OSError:
        return True
    else:
        return True
    with suppress(OSError):
        connection.send(b"a")
    return False


CHECK = SecurityCheck(
    code="SEC111",
    title="size and slowness are bounded",
    weight=Weight.HIGH,
    owasp="A06",
    asvs=("V15.2.2",),
    look=look,
    explanation=__doc__ or "",
)
