"""Values of L2 come back as they were, or not at all."""

from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from opsctl.service.cache.codecs import CodecError, NumberCodec, StructCodec, VectorCodec


class Facts(msgspec.Struct, frozen=True):
    """What a struct of the service may hold."""

    title: str
    price: float | None
    tags: tuple[str, ...]
    seen: datetime


class OtherFacts(msgspec.Struct, frozen=True):
    """The same with another type in one place."""

    title: str
    price: float
    tags: tuple[str, ...]
    seen: datetime


@dataclass(frozen=True)
class Plain:
    """Dataclasses are kept too."""

    score: float
    parts: list[float]


FACTS = Facts(title="Floral € 東京", price=12.5, tags=("a", "b"), seen=datetime(2026, 11, 22, tzinfo=UTC))


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


def test_structs_and_dataclasses_come_back():
    """With their types."""
    assert StructCodec(Facts).decode(StructCodec(Facts).encode(FACTS)) == FACTS
    plain = Plain(score=0.5, parts=[1.0])
    assert StructCodec(Plain).decode(StructCodec(Plain).encode(plain)) == plain


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x80", msgspec.msgpack.encode({"title": 1}), b"\xff" * 40])
def test_bytes_that_are_no_such_struct_are_refused(data):
    """Missing fields and wrong types too."""
    with pytest.raises(CodecError):
        StructCodec(Facts).decode(data)


def test_a_number_that_is_not_finite_is_refused_wherever_it_stands():
    """Nested too."""
    for plain in (Plain(score=float("nan"), parts=[]), Plain(score=0.0, parts=[float("inf")])):
        with pytest.raises(CodecError):
            StructCodec(Plain).encode(plain)
        with pytest.raises(CodecError):
            StructCodec(Plain).decode(msgspec.msgpack.encode(plain))


def test_a_field_of_another_type_is_another_schema():
    """So that a new release does not read an old one's entries."""
    schemas = {StructCodec(shape).schema for shape in (Facts, OtherFacts, Plain)}
    schemas |= {VectorCodec(4).schema, VectorCodec(8).schema, NumberCodec().schema}

    assert len(schemas) == 6


def test_every_process_finds_the_same_schema():
    """A default that is made by a function has another address in each."""

    class Defaulted(msgspec.Struct):
        parts: list[int] = msgspec.field(default_factory=lambda: [1])

    assert "0x" not in StructCodec(Defaulted).schema
