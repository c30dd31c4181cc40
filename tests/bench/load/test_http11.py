import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.bench.load.http11 import Answer, AnswerReader, BrokenAnswerError, read_whole
from opsctl.bench.load.server_timing import stages_of
from opsctl.bench.load.tally import Outcome

GOOD = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\ncontent-length:5\r\nX-Cache: MISS\r\n\r\nhello",
    b"HTTP/1.1 200 \r\nCONTENT-LENGTH: 5\r\nConnection: keep-alive\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=1\r\nllo\r\n0\r\nT: 1\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello",
]

BROKEN = {
    b"HTTP/2 200\r\n\r\n": "no HTTP/1.1 answer",
    b"HTTP/1.1 20 OK\r\n\r\n": "no HTTP/1.1 answer",
    b"HTTP/1.1 99 OK\r\n\r\n": "no HTTP/1.1 answer",
    b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n": "broken header",
    b"HTTP/1.1 200 OK\r\nBad Name: 1\r\n\r\n": "broken header",
    b"HTTP/1.1 200 OK\r\nA: 1\r\n folded\r\n\r\n": "broken header",
    b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n": "length is no number",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n": "two lengths that differ",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n": "both a length and a transfer coding",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n": "unknown transfer coding",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n": "broken chunk",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\n": "broken chunk",
    b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n": "body above 64 MiB",
    b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n": "length is beyond all measure",
    b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n": "switches protocols unasked",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab": "longer than it said",
    b"HTTP/1.1 204 No\r\n\r\nbody": "longer than it said",
    b"HTTP/1.1 200 OK\r\n" + b"A: 1\r\n" * 20_000: "head without an end",
}


def read(*pieces: bytes) -> Answer | None:
    """Return the answer that these pieces make."""
    reader = AnswerReader()
    answers = [reader.feed(piece) for piece in pieces]
    assert all(answer is None for answer in answers[:-1])
    return answers[-1]


def fault_of(*pieces: bytes, ends: bool = False) -> tuple[Outcome, str] | None:
    """Return what is wrong with these pieces, with the end of the connection behind them or not."""
    reader = AnswerReader()
    try:
        for piece in pieces:
            reader.feed(piece)
        if ends:
            reader.end()
    except BrokenAnswerError as error:
        return error.outcome, error.reason
    return None


@pytest.mark.parametrize("data", GOOD)
def test_an_answer_is_the_same_however_it_is_cut(data: bytes) -> None:
    """Every place to cut, and byte by byte."""
    whole = read(data)

    assert whole is not None
    assert (whole[0], whole[3], whole[4]) == (200, b"hello", True)
    for place in range(1, len(data)):
        assert read(data[:place], data[place:]) == whole
    assert read(*(bytes([byte]) for byte in data)) == whole


@pytest.mark.parametrize("data", BROKEN)
def test_what_is_wrong_is_named(data: bytes) -> None:
    """In one piece and byte by byte."""
    assert fault_of(data) == (Outcome.MALFORMED, BROKEN[data])
    if BROKEN[data] != "longer than it said":  # what comes later is nobody's answer
        assert fault_of(*(bytes([byte]) for byte in data)) == (Outcome.MALFORMED, BROKEN[data])


@pytest.mark.parametrize("data", [*GOOD, *BROKEN])
def test_the_fast_way_never_says_anything_else_than_the_careful_one(data: bytes) -> None:
    """It may leave an answer alone, but not read it differently."""
    fast = read_whole(data)

    if fast is not None:
        assert fast == read(data)
    assert read_whole(GOOD[0]) is not None
    assert read_whole(GOOD[2]) is not None


HEADS = st.lists(
    st.sampled_from([
        b"Content-Length: 5", b"content-length: 5", b"Content-Length:5", b"Content-Length: 05", b"Content-Length: +5",
        b"Content-Length: 4", b"Transfer-Encoding: chunked", b"Connection: close", b"Connection: keep-alive", b"X: 1",
        b"X-Content-Length: 9", b"broken", b" folded",
    ]), max_size=4,
)  # fmt: skip


@given(
    start=st.sampled_from([b"HTTP/1.1 200 OK", b"HTTP/1.0 200 OK", b"HTTP/1.1 204 x", b"HTTP/1.1 100 C", b"HTTP/1.1 20", b"x"]),
    lines=HEADS,
    body=st.sampled_from([b"", b"hello", b"hell", b"hello!", b"5\r\nhello\r\n0\r\n\r\n"]),
)  # fmt: skip
def test_fast_and_careful_agree_on_odd_answers(start: bytes, lines: list[bytes], body: bytes) -> None:
    """Whatever the fast way accepts, the careful one accepts as the same answer, but for broken lines it skips."""
    data = b"\r\n".join([start, *lines]) + b"\r\n\r\n" + body
    fast = read_whole(data)
    if fast is None or b"broken" in lines or b" folded" in lines:
        return

    assert fast == read(data)


@given(data=st.binary(max_size=200))
def test_no_bytes_bring_the_reader_down(data: bytes) -> None:
    """It waits for more, answers, or names a fault."""
    for prefix in (b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"):
        fault = fault_of(prefix + data, ends=True)

        assert fault is None or fault[0] in {Outcome.MALFORMED, Outcome.TRUNCATED, Outcome.RESET}


def test_the_end_of_a_connection_completes_what_has_no_length() -> None:
    """Such an answer ends with its connection, which is then not kept."""
    reader = AnswerReader()

    assert reader.feed(b"HTTP/1.1 200 OK\r\n\r\nhel") is None
    assert reader.feed(b"lo") is None
    answer = reader.end()

    assert answer is not None
    assert (answer[3], answer[4]) == (b"hello", False)


@pytest.mark.parametrize(
    ("data", "outcome"),
    [
        (b"", Outcome.RESET),
        (b"HTTP/1.1 200", Outcome.TRUNCATED),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", Outcome.TRUNCATED),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", Outcome.TRUNCATED),
    ],
)
def test_an_early_end_is_named_by_where_it_came(data: bytes, outcome: Outcome) -> None:
    """Before an answer, or in the middle of one."""
    fault = fault_of(data, ends=True)

    assert fault is not None
    assert fault[0] is outcome


def test_stages_are_read_from_server_timing() -> None:
    """Names with durations; what has none, or is broken, is left out."""
    head = b'http/1.1 200 ok\r\nserver-timing: db;dur=2.5, cache;desc="hit";dur=1, miss, x;dur=no\r\nserver-timing: a;dur=3\r\n'

    assert list(stages_of(head)) == [("db", 0.0025), ("cache", 0.001), ("a", 0.003)]
    assert len(list(stages_of(b"\r\nserver-timing:" + b"a;dur=1," * 1000 + b"\r\n"))) == 20
