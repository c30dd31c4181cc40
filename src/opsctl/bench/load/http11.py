"""Is this answer whole and well formed, and if not, what is wrong with it: reading HTTP/1.1 strictly, and fast."""

import re
from collections.abc import Generator

from opsctl.bench.load.tally import Outcome

Answer = tuple[int, bytes, bytes, bytes, bool]
"""Status, head as it came, head in lower case with a line end after each line, body, and whether the connection is kept."""

LARGEST_HEAD_BYTES = 65_536
LARGEST_BODY_BYTES = 64 * 2**20

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9]\d\d)(?: [^\r\n]*)?")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?")
_LONGEST_LENGTH = 18
"""Digits; `int` refuses thousands of them, and no answer is as long as that."""

_WITHOUT_BODY = (204, 304)
_STATUSES = {
    b"%d " % status: status for status in range(200, 600) if status not in _WITHOUT_BODY
}  # what the fast way reads


class BrokenAnswerError(Exception):
    """What came is no whole, well-formed answer."""

    def __init__(self, outcome: Outcome, reason: str) -> None:
        super().__init__(reason)
        self.outcome = outcome
        self.reason = reason


def read_whole(data: bytes) -> Answer | None:
    """Return the answer if `data` is exactly one of the plainest kind: a length, all of it there; None where not sure."""
    end = data.find(b"\r\n\r\n")
    if end < 0 or data[:9] != b"HTTP/1.1 ":
        return None
    status = _STATUSES.get(data[9:13])
    lower = data[: end + 2].lower()
    at = lower.find(b"\r\ncontent-length: ")
    if status is None or at < 0:
        return None
    length = lower[at + 18 : lower.find(b"\r\n", at + 18)]
    if not length.isdigit() or len(length) > _LONGEST_LENGTH or int(length) != len(data) - end - 4:
        return None
    if b"\r\ntransfer-encoding" in lower or lower.find(b"\r\ncontent-length", at + 2) > 0:
        return None
    connection = lower.find(b"\r\nconnection:")
    if connection >= 0 and not lower.startswith(b" keep-alive\r\n", connection + 13):
        return None
    return status, data[:end], lower, data[end + 4 :], True


_Steps = Generator[None, None, Answer]


class AnswerReader:
    """Reads one answer that comes in pieces, or in a shape that `read_whole` leaves alone.

    Args:
        to_head: the request was a HEAD, so no body follows whatever the head says.
    """

    def __init__(self, *, to_head: bool = False) -> None:
        self._to_head = to_head
        self._buffer = bytearray()
        self._is_over = False
        self._steps = self._read()
        next(self._steps)

    def feed(self, data: bytes) -> Answer | None:
        """Return the answer once it is whole.

        Raises:
            BrokenAnswerError: it never will be.
        """
        self._buffer += data
        return self._advance()

    def end(self) -> Answer | None:
        """Return the answer that the end of the connection completes.

        Raises:
            BrokenAnswerError: it ended too early.
        """
        self._is_over = True
        return self._advance()

    def _advance(self) -> Answer | None:
        try:
            next(self._steps)
        except StopIteration as done:
            if self._buffer:
                raise BrokenAnswerError(Outcome.MALFORMED, "longer than it said") from None
            answer: Answer = done.value
            return answer
        return None

    def _read(self) -> _Steps:
        yield
        head = yield from self._take_head()
        minor, status = _status_of(head)
        while status < 200 and status != 101:  # 100 Continue and its like come before the answer proper
            head = yield from self._take_head()
            minor, status = _status_of(head)
        if status == 101:
            raise BrokenAnswerError(Outcome.MALFORMED, "switches protocols unasked")
        fields = _fields_of(head)
        lower = bytes(head + b"\r\n").lower()
        connection = fields.get(b"connection", b"").lower()
        is_kept = b"close" not in connection and (minor == b"1" or b"keep-alive" in connection)
        body = b""
        if not self._to_head and status not in _WITHOUT_BODY:
            body, is_framed = yield from self._take_body(fields)
            is_kept = is_kept and is_framed
        return status, head, lower, body, is_kept

    def _take_head(self) -> Generator[None, None, bytes]:
        searched = 0
        while (end := self._buffer.find(b"\r\n\r\n", searched)) < 0:
            if len(self._buffer) > LARGEST_HEAD_BYTES:
                raise BrokenAnswerError(Outcome.MALFORMED, "head without an end")
            if not b"HTTP/1.".startswith(self._buffer[:7]):
                raise BrokenAnswerError(Outcome.MALFORMED, "no HTTP/1.1 answer")
            if self._is_over and not self._buffer:
                raise BrokenAnswerError(Outcome.RESET, "connection ended before an answer")
            searched = max(0, len(self._buffer) - 3)
            yield from self._more("head")
        head = bytes(self._buffer[:end])
        del self._buffer[: end + 4]
        return head

    def _take_body(self, fields: dict[bytes, bytes]) -> Generator[None, None, tuple[bytes, bool]]:
        coding = fields.get(b"transfer-encoding")
        length = fields.get(b"content-length")
        if coding is not None:
            if length is not None:
                raise BrokenAnswerError(Outcome.MALFORMED, "both a length and a transfer coding")
            if coding.lower() != b"chunked":
                raise BrokenAnswerError(Outcome.MALFORMED, "unknown transfer coding")
            return (yield from self._take_chunks()), True
        if length is not None:
            if not length.isdigit():
                raise BrokenAnswerError(Outcome.MALFORMED, "length is no number")
            if len(length) > _LONGEST_LENGTH:
                raise BrokenAnswerError(Outcome.MALFORMED, "length is beyond all measure")
            return (yield from self._take(int(length))), True
        while not self._is_over:
            self._check_size(len(self._buffer))
            yield
        body = bytes(self._buffer)
        self._buffer.clear()
        return body, False

    def _take_chunks(self) -> Generator[None, None, bytes]:
        body = bytearray()
        while True:
            size = _CHUNK_SIZE.fullmatch((yield from self._take_line()))
            if size is None:
                raise BrokenAnswerError(Outcome.MALFORMED, "broken chunk")
            if int(size[1], 16) == 0:
                break
            body += yield from self._take(int(size[1], 16))
            self._check_size(len(body))
            if (yield from self._take(2)) != b"\r\n":
                raise BrokenAnswerError(Outcome.MALFORMED, "broken chunk")
        while (yield from self._take_line()):
            pass  # trailers
        return bytes(body)

    def _take_line(self) -> Generator[None, None, bytes]:
        while (end := self._buffer.find(b"\r\n")) < 0:
            if len(self._buffer) > LARGEST_HEAD_BYTES:
                raise BrokenAnswerError(Outcome.MALFORMED, "line without an end")
            yield from self._more("body")
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line

    def _take(self, size: int) -> Generator[None, None, bytes]:
        self._check_size(size)
        while len(self._buffer) < size:
            yield from self._more("body")
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def _more(self, part: str) -> Generator[None, None, None]:
        if self._is_over:
            raise BrokenAnswerError(Outcome.TRUNCATED, f"connection ended in the middle of the {part}")
        yield

    @staticmethod
    def _check_size(size: int) -> None:
        if size > LARGEST_BODY_BYTES:
            raise BrokenAnswerError(Outcome.MALFORMED, f"body above {LARGEST_BODY_BYTES // 2**20} MiB")


def _status_of(head: bytes) -> tuple[bytes, int]:
    found = _STATUS_LINE.fullmatch(head.partition(b"\r\n")[0])
    if found is None:
        raise BrokenAnswerError(Outcome.MALFORMED, "no HTTP/1.1 answer")
    return found[1], int(found[2])


def _fields_of(head: bytes) -> dict[bytes, bytes]:
    fields: dict[bytes, bytes] = {}
    for line in head.split(b"\r\n")[1:]:
        name, colon, value = line.partition(b":")
        if not colon or not _TOKEN.fullmatch(name) or b"\n" in value or b"\r" in value:
            raise BrokenAnswerError(Outcome.MALFORMED, "broken header")
        name, value = name.lower(), value.strip(b" \t")
        if name == b"content-length" and fields.get(name, value) != value:
            raise BrokenAnswerError(Outcome.MALFORMED, "two lengths that differ")
        if name in (b"transfer-encoding", b"connection") and name in fields:
            value = fields[name] + b", " + value
        fields[name] = value
    return fields
