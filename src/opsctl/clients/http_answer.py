"""What does a server answer: one HTTP/1.1 answer out of the pieces of a connection, whichever way its end is told."""

from dataclasses import dataclass, field

_LARGEST_HEAD_BYTES = 64 * 1024
_LONGEST_NUMBER = 18  # digits; `int` refuses thousands of them with a ValueError of its own
_NO_BODY = frozenset({204, 304})
_BEGINNING = b"HTTP/1."
_HEX_DIGITS = frozenset(b"0123456789abcdefABCDEF")
_CHUNKED = b"transfer-encoding"


class BadAnswerError(ValueError):
    """What came is not HTTP/1.x, or larger than allowed."""


class TooLargeError(BadAnswerError):
    """The answer is larger than allowed."""

    def __init__(self) -> None:
        super().__init__("the answer is too large")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer; header names in lower case, of several with one name the last."""

    status: int
    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""
    keeps_connection: bool = True


class AnswerReader:
    """Reads one answer after another; feed it what comes."""

    def __init__(self, *, largest_body_bytes: int) -> None:
        self._largest_body_bytes = largest_body_bytes
        self._buffer = bytearray()
        self._head: Answer | None = None
        self._body_size: int | None = None

    @property
    def has_begun(self) -> bool:
        """Tell whether a part of an answer is there."""
        return bool(self._buffer) or self._head is not None

    def feed(self, data: bytes) -> Answer | None:
        """Take a piece; return the answer when it is whole.

        Raises:
            BadAnswerError: it cannot become one.
        """
        self._buffer += data
        while self._head is None:
            if not self._read_head():
                return None
        if self._body_size is None:
            return self._unsized(self._head)
        if len(self._buffer) < self._body_size:
            return None
        if len(self._buffer) > self._body_size:
            raise BadAnswerError("the answer is longer than it says")
        return self._whole(self._head, bytes(self._buffer))

    def end(self) -> Answer | None:
        """Take the end of the connection; return the answer where that is how its end is told."""
        head = self._head
        if head is None or self._body_size is not None or _is_chunked(head):
            return None
        return self._whole(head, bytes(self._buffer))

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > _LARGEST_HEAD_BYTES or not _BEGINNING.startswith(
                bytes(self._buffer[: len(_BEGINNING)])
            ):
                raise BadAnswerError("the answer is not HTTP/1.x")
            return False
        head = _parse_head(bytes(self._buffer[:end]))
        del self._buffer[: end + 4]
        if head.status < 200:
            return bool(self._buffer)  # an interim answer; the real one follows
        self._body_size = _body_size(head)
        if (self._body_size or 0) > self._largest_body_bytes:
            raise TooLargeError
        self._head = head
        return True

    def _unsized(self, head: Answer) -> Answer | None:
        if len(self._buffer) > self._largest_body_bytes:
            raise TooLargeError
        body = _joined_chunks(self._buffer) if _is_chunked(head) else None
        return None if body is None else self._whole(head, body)

    def _whole(self, head: Answer, body: bytes) -> Answer:
        self._buffer, self._head, self._body_size = bytearray(), None, None
        return Answer(
            status=head.status, headers=head.headers, body=body, keeps_connection=head.keeps_connection
        )


def _parse_head(head: bytes) -> Answer:
    first, *lines = head.split(b"\r\n")
    version, _, rest = first.partition(b" ")
    status = rest[:3]
    if not version.startswith(_BEGINNING) or not status.isdigit() or len(status) != 3:
        raise BadAnswerError("the answer is not HTTP/1.x")
    headers = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not name or name != name.strip():
            raise BadAnswerError("a header of the answer is malformed")
        headers[name.lower()] = value.strip()
    said = headers.get(b"connection", b"").lower()
    keeps = said != b"close" if version == b"HTTP/1.1" else said == b"keep-alive"
    is_sized = b"content-length" in headers or _CHUNKED in headers or int(status) in _NO_BODY
    return Answer(status=int(status), headers=headers, keeps_connection=keeps and is_sized)


def _is_chunked(head: Answer) -> bool:
    return _CHUNKED in head.headers


def _body_size(head: Answer) -> int | None:
    """Return how many bytes follow the head; None where chunks or the connection's end tell."""
    if head.status in _NO_BODY:
        return 0
    if _is_chunked(head):
        if head.headers[_CHUNKED].lower() != b"chunked":
            raise BadAnswerError("the answer has an unknown transfer encoding")
        return None
    size = head.headers.get(b"content-length")
    if size is None:
        return None
    if not size.isdigit():
        raise BadAnswerError("the length of the answer is no number")
    if len(size) > _LONGEST_NUMBER:
        raise TooLargeError
    return int(size)


def _joined_chunks(data: bytearray) -> bytes | None:
    """Return the body of a chunked answer; None while its last chunk or trailer is missing."""
    parts: list[bytes] = []
    begin = 0
    while True:
        end = data.find(b"\r\n", begin)
        if end < 0:
            return None
        text = bytes(data[begin:end]).partition(b";")[0].strip()
        # int() would also take signs and underscores.
        if not text or not _HEX_DIGITS.issuperset(text):
            raise BadAnswerError("the size of a chunk is no number")
        size = int(text, 16)
        begin = end + 2
        if size == 0:
            is_whole = data[begin : begin + 2] == b"\r\n" or data.find(b"\r\n\r\n", begin) >= 0
            return b"".join(parts) if is_whole else None
        if len(data) < begin + size + 2:
            return None
        parts.append(bytes(data[begin : begin + size]))
        begin += size + 2
