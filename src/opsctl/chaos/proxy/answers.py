"""How does a made-up or a changed answer look on the wire: a head that fits its body."""

import json
import math
import re
from http import HTTPStatus

from opsctl.chaos.proxy.garble import garble
from opsctl.chaos.proxy.http_wire import join_chunks
from opsctl.chaos.proxy.in_force import Active
from opsctl.chaos.proxy.toxics import Fail, Garbling

_ACCEPTED = re.compile(rb"\r\naccept-encoding:[^\r\n]*", re.IGNORECASE)
# What told of the body that came: its length, its chunks, its digest.
_OF_THE_BODY = re.compile(
    rb"\r\n(content-length|transfer-encoding|trailer|etag|content-md5|digest):[^\r\n]*", re.IGNORECASE
)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
_SAID = "this failure was made on purpose"


def failing_answer(fail: Fail, *, is_head: bool) -> bytes:
    """Return a whole answer with the status of a toxic, in the form that both Qdrant and a model's API use."""
    body = json.dumps({"status": {"error": _SAID}, "error": {"message": _SAID, "type": "fault"}}).encode()
    lines = [f"HTTP/1.1 {fail.status} {_phrase(fail.status)}", "Content-Type: application/json"]
    if fail.retry_after_seconds is not None:
        # RFC 9110, 10.2.3: whole seconds; a shorter wait than asked for would be a lie.
        lines.append(f"Retry-After: {math.ceil(fail.retry_after_seconds)}")
    lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join(lines).encode() + b"\r\n\r\n"
    return head if is_head else head + body


def without_compression(head: bytes) -> bytes:
    """Return a request's head that asks for a body that can be read here."""
    return _ACCEPTED.sub(b"", head)


def garbled_answer(head: bytes, body: bytes, *, active: Active, what: Garbling) -> tuple[bytes, bytes]:
    """Return an answer as a toxic changes it; as it came where there is nothing to change."""
    content = join_chunks(body) if _CHUNKED.search(head) else body
    garbled = garble(content, what, active=active)
    if garbled is None:
        return head, body
    active.hits += 1
    lines = _OF_THE_BODY.sub(b"", head).removesuffix(b"\r\n\r\n")
    return lines + b"\r\nContent-Length: %d\r\n\r\n" % len(garbled), garbled


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Fault"
