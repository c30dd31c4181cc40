"""Which requests does no well-behaved client send: bodies and messages that have broken servers before."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_DEEP = 50_000
_HUGE_TEXT = "x" * 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class HostileBody:
    """A body that has to be refused as it is."""

    name: str
    body: bytes
    content_type: str = "application/json"


def bodies(good: Any) -> Iterator[HostileBody]:
    """Return bodies of which none can be read as what the operation takes."""
    text = json.dumps(good)
    yield HostileBody(name="nothing", body=b"")
    yield HostileBody(name="white space", body=b" \n\t" * 100)
    yield HostileBody(name="half of it", body=text[: len(text) // 2].encode())
    yield HostileBody(name="something after it", body=text.encode() + b"]")
    yield HostileBody(name="deep lists", body=b"[" * _DEEP + b"]" * _DEEP)
    yield HostileBody(name="deep objects", body=b'{"a":' * _DEEP + b"1" + b"}" * _DEEP)
    yield HostileBody(name="NaN", body=b"NaN")
    yield HostileBody(name="infinity", body=b"-Infinity")
    yield HostileBody(name="a number of 10,000 digits", body=b"9" * 10_000)
    yield HostileBody(name="1e999999", body=b"1e999999")
    yield HostileBody(name="NUL bytes", body=b"\x00" * 100)
    yield HostileBody(name="invalid UTF-8", body=b'{"a": "\xff\xfe\xc0\xaf"}')
    yield HostileBody(name="half a surrogate pair", body=b'{"\\ud800": "\\udfff"}')
    yield HostileBody(name="UTF-16", body=text.encode("utf-16"))
    yield HostileBody(name="UTF-32", body=text.encode("utf-32"))
    yield HostileBody(name="YAML", body=b"a: &a [*a, *a]")
    yield HostileBody(
        name="XML with an entity", body=b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'
    )
    yield HostileBody(name="a pickle", body=b"\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00\x8c\x01a\x94.")
    yield HostileBody(name="text instead of JSON", body=text.encode(), content_type="text/plain")
    yield HostileBody(
        name="a form instead of JSON", body=b"a=1", content_type="application/x-www-form-urlencoded"
    )
    yield HostileBody(
        name="another charset", body=text.encode(), content_type="application/json; charset=utf-7"
    )


def leaf_values(good: Any) -> Iterator[Any]:
    """Return values that one place of a good body may be spoilt with."""
    yield from (None, True, [], {}, "", "\x00", "\ud7ff\uffff", -1, 2**63, 10**40, 1e308, _HUGE_TEXT)
    yield [good] * 3
    yield {"$ne": good, "__proto__": {"a": 1}}
    yield "\u202e\u0000'\";--\r\nX-Evil: yes"


def messages(*, host: str, key: str) -> Iterator[tuple[str, bytes]]:
    """Return whole requests that are broken as messages; each has to end in one refusal, or in a closed connection."""
    head = f"Host: {host}\r\nAuthorization: Bearer {key}\r\n".encode()
    post = b"POST /v1/interactions HTTP/1.1\r\n" + head + b"Content-Type: application/json\r\n"
    read = b"GET /v1/trending?limit=0 HTTP/1.1\r\n" + head
    yield "two different lengths", post + b"Content-Length: 2\r\nContent-Length: 20\r\n\r\n{}"
    yield "a list of lengths", post + b"Content-Length: 2, 20\r\n\r\n{}"
    yield "a negative length", post + b"Content-Length: -2\r\n\r\n{}"
    yield "a length with a sign", post + b"Content-Length: +2\r\n\r\n{}"
    yield "a length in hexadecimal", post + b"Content-Length: 0x2\r\n\r\n{}"
    yield "a length beyond 64 bits", post + b"Content-Length: 99999999999999999999\r\n\r\n{}"
    yield "an unknown transfer coding", post + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"
    yield (
        "chunked that is not the last coding",
        post + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    )
    yield "chunks that are none", post + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"
    yield "a chunk of negative size", post + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n{}\r\n0\r\n\r\n"
    yield "a space before the colon", post + b"Content-Length : 2\r\n\r\n{}"
    yield "a folded header", read + b"X-A: b\r\n c\r\n\r\n"
    yield "NUL in a header", read + b"X-A: b\x00c\r\n\r\n"
    yield "a header without a name", read + b": b\r\n\r\n"
    yield "NUL in the path", b"GET /v1/feed/1\x00 HTTP/1.1\r\n" + head + b"\r\n"
    yield "no version", b"GET /v1/trending\r\n" + head + b"\r\n"
    yield "a version that is none", b"GET /v1/trending HTTP/9.9\r\n" + head + b"\r\n"
    yield "an unknown method", b"EV\x01L /v1/trending HTTP/1.1\r\n" + head + b"\r\n"
    yield "no request at all", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200
    yield "HTTP/2 without being asked", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00" * 9


def smuggled(*, host: str, key: str) -> bytes:
    """Return a request with both a length and chunks, and another one hidden where the two disagree.

    RFC 9112, 6.1: chunks win, and the connection ends after the answer. Hidden is a request that a server which goes on
    would answer next, perhaps to somebody else behind the same proxy.
    """
    hidden = f"GET /smuggled HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    body = b"0\r\n\r\n" + hidden
    head = f"POST /v1/interactions HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n"
    head += (
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    return head.encode() + body
