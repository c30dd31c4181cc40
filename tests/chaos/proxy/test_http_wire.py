"""Messages are found in a stream however it is cut into pieces, and what is none is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.chaos.proxy.http_wire import (
    NO_BODY,
    ChunkScanner,
    Framing,
    WireError,
    answer_framing,
    join_chunks,
    request_framing,
    status_of,
)

CHUNKED = Framing(is_chunked=True)


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=6), st.data())
def test_a_chunked_body_ends_where_it_ends(parts: list[bytes], data: st.DataObject):
    """In pieces of any size, with something behind it."""
    raw = b"".join(b"%X;a=b\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\nX-T: 1\r\n\r\n"
    stream = raw + b"HTTP/1.1 200 OK"
    scanner, position, end = ChunkScanner(), 0, None

    while end is None:
        step = data.draw(st.integers(1, 30))
        end = scanner.scan(stream[position : position + step])
        position += step if end is None else end

    assert position == len(raw)
    assert join_chunks(raw) == b"".join(parts)


@pytest.mark.parametrize("raw", [b"ZZ\r\n", b"-1\r\n", b"\r\n", b"1" * 20 + b"\r\n", b"a" * 9000])
def test_a_chunk_without_a_size_is_refused(raw: bytes):
    """Also one that never ends its line."""
    with pytest.raises(WireError):
        ChunkScanner().scan(raw)


@pytest.mark.parametrize(
    ("fields", "framing"),
    [
        (b"", NO_BODY),
        (b"content-LENGTH:  12 \r\n", Framing(length=12)),
        (b"Content-Length: 5\r\nX: y\r\nContent-Length: 5\r\n", Framing(length=5)),
        (b"Transfer-Encoding: gzip, Chunked\r\n", CHUNKED),
        (b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", CHUNKED),
        (b"X-Content-Length: 5\r\n", NO_BODY),
    ],
)
def test_a_head_says_how_its_body_ends(fields: bytes, framing: Framing):
    """RFC 9112, 6.3."""
    assert request_framing(b"POST / HTTP/1.1\r\n" + fields + b"\r\n") == framing


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: -1\r\n",
        b"Transfer-Encoding: gzip\r\n",
    ],
)
def test_a_head_that_says_two_things_is_refused(fields: bytes):
    """Guessing is how requests are smuggled."""
    with pytest.raises(WireError):
        request_framing(b"POST / HTTP/1.1\r\n" + fields + b"\r\n")


@pytest.mark.parametrize(
    ("status", "is_head", "framing"),
    [(200, False, Framing()), (200, True, NO_BODY), (204, False, NO_BODY), (304, False, NO_BODY), (100, False, NO_BODY)],
)  # fmt: skip
def test_some_answers_have_no_body_whatever_they_say(status: int, *, is_head: bool, framing: Framing):
    """One without a length ends with its connection."""
    assert answer_framing(b"HTTP/1.1 200 OK\r\n\r\n", status=status, is_head=is_head) == framing


@pytest.mark.parametrize(
    "head", [b"\x00\x01\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 101 Switch\r\n\r\n"]
)
def test_an_answer_that_cannot_be_followed_is_refused(head: bytes):
    """No HTTP, no status, or another protocol from here on."""
    with pytest.raises(WireError):
        status_of(head)
