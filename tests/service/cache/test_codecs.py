"""Values of L2 come back as they were, or not at all."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from opsctl.service.cache.codecs import CodecError, NumberCodec, VectorCodec


@given(arrays(np.float32, 16, elements=st.floats(width=32, allow_nan=False, allow_infinity=False)))
def test_a_vector_comes_back_bit_for_bit(vector):
    """And cannot be written to, since many readers hold it."""
    codec = VectorCodec(16)
    back = codec.decode(codec.encode(vector))

    assert back.tobytes() == vector.tobytes()
    assert not back.flags.writeable


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_vector_that_is_not_finite_is_refused_both_ways(bad):
    """Wherever it came from."""
    codec = VectorCodec(4)
    vector = np.array([1, 2, bad, 4], dtype=np.float32)

    with pytest.raises(CodecError):
        codec.encode(vector)
    with pytest.raises(CodecError):
        codec.decode(vector.tobytes())


@pytest.mark.parametrize("length", [0, 15, 17, 20])
def test_a_vector_of_another_length_is_refused(length):
    """Also one whose bytes are no whole number of floats."""
    with pytest.raises(CodecError):
        VectorCodec(4).decode(bytes(length))
    with pytest.raises(CodecError):
        VectorCodec(4).encode(np.zeros(length, dtype=np.float32))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_comes_back(number):
    """Bit for bit."""
    assert NumberCodec().decode(NumberCodec().encode(number)) == number


@pytest.mark.parametrize("data", [b"", b"1234567", b"\0\0\0\0\0\0\xf8\x7f", b"\0\0\0\0\0\0\xf0\x7f"])
def test_bytes_that_are_no_finite_number_are_refused(data):
    """Empty, short, NaN, infinity."""
    with pytest.raises(CodecError):
        NumberCodec().decode(data)


def test_a_vector_of_another_length_is_another_schema():
    """So that a new release does not read an old one's entries."""
    assert len({VectorCodec(4).schema, VectorCodec(8).schema, NumberCodec().schema}) == 3
