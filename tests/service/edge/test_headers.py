"""Ids that clients send along: taken over where they are valid, made anew where not, never repeated unchecked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.service.edge.headers import accepted_request_id, continue_trace, request_ids

_TRACE, _PARENT = b"0af7651916cd43dd8448eb211c80319c", b"b7ad6b7169203331"


def test_a_valid_trace_goes_on_with_a_new_span() -> None:
    """The trace id stays, the parent becomes our span, the sampling flag is kept."""
    found = continue_trace(b"00-%s-%s-01" % (_TRACE, _PARENT))
    version, trace, span, flags = found.header.split(b"-")

    assert (version, trace, flags) == (b"00", _TRACE, b"01")
    assert found.trace_id == _TRACE.decode()
    assert span != _PARENT
    assert continue_trace(b"00-%s-%s-00" % (_TRACE, _PARENT)).header.endswith(b"-00")


def test_a_later_version_may_say_more() -> None:
    """Of an unknown version the known fields are read."""
    assert continue_trace(b"cc-%s-%s-01-what-comes" % (_TRACE, _PARENT)).trace_id == _TRACE.decode()


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"ff-%s-%s-01" % (_TRACE, _PARENT),
        b"00-%s-%s-01" % (b"0" * 32, _PARENT),
        b"00-%s-%s-01" % (_TRACE, b"0" * 16),
        b"00-%s-%s-01-more" % (_TRACE, _PARENT),
        b"00-%s-%s-01" % (_TRACE.upper(), _PARENT),
        b"00-%s-%s-01\r\nx: y" % (_TRACE, _PARENT),
        b"01-%s-%s-01-%s" % (_TRACE, _PARENT, b"x" * 600),
    ],
)
def test_an_invalid_trace_is_replaced(value: bytes | None) -> None:
    """Nothing of it is kept."""
    found = continue_trace(value)

    assert found.trace_id != _TRACE.decode()
    assert len(found.header) == 55
    assert found.header.endswith(b"-01")


@given(st.binary(max_size=200))
def test_a_trace_that_goes_on_is_always_valid(value: bytes) -> None:
    """Whatever a client sends, what is passed on is a `traceparent`."""
    passed_on = continue_trace(value)

    assert continue_trace(passed_on.header).trace_id == passed_on.trace_id


@pytest.mark.parametrize("value", [b"a", b"A-b_c.9", b"x" * 128])
def test_request_ids_of_plain_letters_are_accepted(value: bytes) -> None:
    """Letters, digits, dot, underscore, hyphen; at most 128."""
    assert accepted_request_id(value)


@pytest.mark.parametrize("value", [b"", b"x" * 129, b"a b", b"a\r\nb", b"a\n", "ä".encode(), b'"><script>'])
def test_other_request_ids_are_not(value: bytes) -> None:
    """They could break headers, logs or pages."""
    assert not accepted_request_id(value)


@pytest.mark.parametrize(
    "value",
    [
        *(b"opk_abcdefgh_" + b"x" * 32, b"req-opk_abcdefgh_x", b"sb_secret_x"),
        b"eyJhbGciOiJIUzI1NiJ9.e30.x",  # pragma: allowlist secret
    ],
)
def test_what_may_be_a_key_is_no_request_id(value: bytes) -> None:
    """Ids stand in logs and go on to others; a client that puts its key there by mistake must not publish it."""
    assert not accepted_request_id(value)


def test_made_request_ids_differ() -> None:
    """Within a worker and between workers."""
    one, other = request_ids(), request_ids()
    made = {one(), one(), other(), other()}

    assert len(made) == 4
    assert all(accepted_request_id(value) for value in made)
