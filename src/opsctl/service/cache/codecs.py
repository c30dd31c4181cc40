"""How does a value become bytes for L2, and is what comes back really that value?"""

import math
import struct
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

Value = TypeVar("Value")


class CodecError(ValueError):
    """The bytes are not what they should be, or the value is not fit to be kept."""


class Codec(Protocol[Value]):
    """Turns values of one kind into bytes and back."""

    @property
    def schema(self) -> str:
        """Return what must be equal for bytes to be understood: the shape and types of the value."""
        ...

    def encode(self, value: Value) -> bytes:
        """Return the bytes of a value; CodecError when it is not finite or has the wrong shape."""
        ...

    def decode(self, data: bytes) -> Value:
        """Return the value of bytes; CodecError when they are none."""
        ...


class VectorCodec:
    """Vectors of float32 with a fixed length; what is decoded cannot be written to."""

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self.schema = f"float32[{dimension}]"

    def encode(self, value: NDArray[np.float32]) -> bytes:
        """Return the little-endian bytes."""
        vector = np.ascontiguousarray(value, dtype="<f4")
        self._check(vector)
        return vector.tobytes()

    def decode(self, data: bytes) -> NDArray[np.float32]:
        """Return the vector."""
        if len(data) != 4 * self.dimension:
            raise CodecError(f"{len(data)} bytes are no vector of {self.dimension}")
        vector: NDArray[np.float32] = np.frombuffer(data, dtype="<f4")
        self._check(vector)
        return vector

    def _check(self, vector: NDArray[np.float32]) -> None:
        if vector.shape != (self.dimension,):
            raise CodecError(f"shape {vector.shape} is no vector of {self.dimension}")
        if not np.isfinite(vector).all():
            raise CodecError("the vector holds NaN or infinity")


class NumberCodec:
    """Single finite numbers."""

    schema = "float64"
    _format = struct.Struct("<d")

    def encode(self, value: float) -> bytes:
        """Return eight little-endian bytes."""
        if not math.isfinite(value):
            raise CodecError(f"{value} is not finite")
        return self._format.pack(value)

    def decode(self, data: bytes) -> float:
        """Return the number."""
        if len(data) != self._format.size:
            raise CodecError(f"{len(data)} bytes are no number")
        number: float = self._format.unpack(data)[0]
        if not math.isfinite(number):
            raise CodecError(f"{number} is not finite")
        return number
