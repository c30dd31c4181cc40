"""What can turn text into vectors: the one Protocol behind which every embedder stands."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]


class Embedder(Protocol):
    """Turns texts into unit vectors; the same text with the same `model_id` gives the same vector."""

    @property
    def model_id(self) -> str:
        """Return the name that travels with every collection; vectors of two names never mix."""
        ...

    @property
    def dimension(self) -> int:
        """Return the length of each vector."""
        ...

    def embed(self, texts: Sequence[str]) -> "Matrix":
        """Return one row of length 1 for each text, in the order given."""
        ...
