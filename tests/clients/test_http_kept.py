"""Which requests and answers pass over kept connections, and what happens when a server ends, lies or is slow."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.clients.http_answer import Answer, AnswerReader, BadAnswerError
from opsctl.clients.http_kept import ConnectionEndedError, KeptHttp

SIZED = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Simulated: true\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nTrailer: 1\r\n\r\n"
)
EMPTY_CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + SIZED
NOTHING = b"HTTP/1.1 204 No Content\r\n\r\n"


def reader() -> AnswerReader:
    """Return a reader that takes small answers."""
    return AnswerReader(largest_body_bytes=100)


@pytest.mark.parametrize(
    ("sent", "body"),
    [(SIZED, b"hello"), (CHUNKED, b"hello"), (EMPTY_CHUNKED, b""), (INTERIM, b"hello"), (NOTHING, b"")],
)
@given(cuts=st.sets(st.integers(1, 120)))
def test_an_answer_is_the_same_however_it_is_cut(sent: bytes, body: bytes, cuts: set[int]) -> None:
    """It is whole with its last byte and not before, and the connection may be kept."""
    bounds = sorted({0, len(sent), *(cut for cut in cuts if cut < len(sent))})
    pieces = [sent[begin:end] for begin, end in pairwise(bounds)]
    one = reader()

    answers = [one.feed(piece) for piece in pieces]

    assert answers[:-1] == [None] * (len(pieces) - 1)
    assert answers[-1] is not None
    assert (answers[-1].body, answers[-1].keeps_connection, one.has_begun) == (body, True, False)


def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    """One with a length, or in chunks, does not."""
    unsized, cut, chunks = reader(), reader(), reader()

    assert unsized.feed(b"HTTP/1.1 200 OK\r\n\r\nhel") is None
    assert cut.feed(SIZED[:-1]) is None
    assert chunks.feed(CHUNKED[:-4]) is None

    assert unsized.end() == Answer(status=200, body=b"hel", keeps_connection=False)
    assert cut.end() is None
    assert chunks.end() is None


@pytest.mark.parametrize(
    "sent",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n folded: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, world",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nmany\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + bytes(101),
        b"HTTP/1.1 " + bytes(70_000),
    ],
)
def test_what_is_not_http_or_too_large_is_refused(sent: bytes) -> None:
    """As soon as that can be seen."""
    with pytest.raises(BadAnswerError):
        reader().feed(sent)


@pytest.mark.parametrize(
    ("head", "is_kept"),
    [
        (b"HTTP/1.1 200 OK\r\nConnection: Close\r\n", False),
        (b"HTTP/1.0 200 OK\r\n", False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", True),
    ],
)
def test_a_server_says_whether_it_keeps_the_connection(head: bytes, is_kept: bool) -> None:  # noqa: FBT001
    """HTTP/1.1 keeps it unless it says otherwise."""
    answer = reader().feed(head + b"Content-Length: 0\r\n\r\n")

    assert answer is not None
    assert answer.keeps_connection is is_kept


class ScriptedServer:
    """Answers the n-th request of a connection by the n-th line of its script, then closes it."""

    def __init__(self, *scripts: Sequence[bytes]) -> None:
        self._scripts = list(scripts)
        self.requests: list[bytes] = []
        self.connections = 0
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        self.connections += 1
        script = self._scripts[min(self.connections, len(self._scripts)) - 1]
        for line in script:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
                self.requests.append(head + await reader.readexactly(length))
            except (asyncio.IncompleteReadError, ConnectionError):
                break
            writer.write(line)
        writer.close()


def run(
    server: ScriptedServer,
    scenario: Callable[[KeptHttp], Awaitable[None]],
    *,
    prefix: str = "",
    max_connections: int = 4,
) -> None:
    """Run a scenario with a client of the server."""

    async def main() -> None:
        async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
            server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}{prefix}"
            client = KeptHttp(
                server.url,
                headers={"api-key": "secret"},
                max_connections=max_connections,
                largest_body_bytes=1000,
            )
            await scenario(client)
            await client.close()
            await asyncio.sleep(0.01)  # the server hears of the end

    asyncio.run(main())


def test_one_connection_serves_many_requests() -> None:
    """Head and body come as they were asked for, below the prefix."""
    server = ScriptedServer([SIZED, CHUNKED, SIZED])

    async def scenario(client: KeptHttp) -> None:
        bodies = [(await client.post("/points", b'{"a":%d}' % number)).body for number in range(2)]
        bodies.append((await client.post("/points", b"{}", traceparent="00-1-2-01")).body)
        assert bodies == [b"hello"] * 3

    run(server, scenario, prefix="/below/")

    assert server.connections == 1
    assert server.requests[1].startswith(b"POST /below/points HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"\r\napi-key: secret\r\n" in server.requests[1]
    assert server.requests[1].endswith(b'\r\n\r\n{"a":1}')
    assert b"traceparent" not in server.requests[1]
    assert b"\r\ntraceparent: 00-1-2-01\r\nContent-Length: 2\r\n\r\n{}" in server.requests[2]


def test_a_connection_that_ended_meanwhile_is_replaced() -> None:
    """The request is sent again where nothing was answered."""
    server = ScriptedServer([SIZED], [SIZED, SIZED])

    async def scenario(client: KeptHttp) -> None:
        for _ in range(3):
            assert (await client.post("/", b"{}")).status == 200

    run(server, scenario)

    assert server.connections == 2


def test_an_answer_that_breaks_off_is_an_error() -> None:
    """It is not asked for again, nor is one that never began on a new connection."""
    server = ScriptedServer([SIZED, SIZED[:-1]], [b""])

    async def scenario(client: KeptHttp) -> None:
        assert (await client.post("/", b"{}")).status == 200
        for _ in range(2):
            with pytest.raises(ConnectionEndedError):
                await client.post("/", b"{}")

    run(server, scenario)

    assert server.connections == 2


def test_who_gives_up_takes_the_connection_along() -> None:
    """Nobody gets the answer of somebody else."""
    server = ScriptedServer([b"", SIZED], [SIZED])

    async def scenario(client: KeptHttp) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await client.post("/", b"{}")
        assert (await client.post("/", b"{}")).body == b"hello"

    run(server, scenario)

    assert server.connections == 2


def test_no_more_connections_are_opened_than_allowed() -> None:
    """The others wait."""
    server = ScriptedServer([SIZED] * 100)

    async def scenario(client: KeptHttp) -> None:
        answers = await asyncio.gather(*(client.post("/", b"{}") for _ in range(20)))
        assert len(answers) == 20

    run(server, scenario, max_connections=2)

    assert server.connections == 2


def test_what_is_not_http_ends_the_connection() -> None:
    """An answer that nobody asked for does too."""
    server = ScriptedServer([b"SSH-2.0-OpenSSH\r\n", SIZED], [SIZED + SIZED])

    async def scenario(client: KeptHttp) -> None:
        for _ in range(2):
            with pytest.raises(BadAnswerError):
                await client.post("/", b"{}")

    run(server, scenario)

    assert server.connections == 2


def test_a_server_that_is_not_there_is_an_os_error() -> None:
    """As of a socket."""

    async def scenario() -> None:
        client = KeptHttp("http://127.0.0.1:9", headers={}, max_connections=1, largest_body_bytes=1000)
        with pytest.raises(ConnectionRefusedError):
            await client.post("/", b"{}")
        await client.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("url", ["ftp://example.com", "http://", "127.0.0.1:6333"])
def test_an_address_must_be_one_of_http(url: str) -> None:
    """Anything else is refused before anything is sent."""
    with pytest.raises(ValueError, match="no address"):
        KeptHttp(url, headers={}, max_connections=1, largest_body_bytes=1000)


def test_user_and_password_of_an_address_are_sent_as_basic_authorization() -> None:
    """Unless the headers hold another one."""
    server = ScriptedServer([SIZED])

    async def scenario(_: KeptHttp) -> None:
        address = server.url.replace("//", "//me:p%40ss@")
        for headers in ({}, {"Authorization": "Bearer k"}):
            other = KeptHttp(address, headers=headers, max_connections=1, largest_body_bytes=1000)
            await other.post("/", b"{}")
            await other.close()

    run(server, scenario)

    assert b"\r\nAuthorization: Basic bWU6cEBzcw==\r\n" in server.requests[0]
    assert b"\r\nAuthorization: Bearer k\r\n" in server.requests[1]


def test_a_header_cannot_hold_a_line_break() -> None:
    """A key out of a file with a line end would otherwise write headers of its own."""
    with pytest.raises(ValueError, match="api-key"):
        KeptHttp("http://x", headers={"api-key": "a\r\nb: c"}, max_connections=1, largest_body_bytes=1000)
