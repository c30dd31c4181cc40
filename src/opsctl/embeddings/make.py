"""Which embedder do the settings ask for."""

from opsctl.config.project import EmbeddingSettings
from opsctl.core.errors import UsageError
from opsctl.embeddings.model import Embedder


def make_embedder(settings: EmbeddingSettings, *, api_key: str | None = None) -> Embedder:
    """Return the embedder of `embedding.kind`.

    Raises:
        NotReadyError: EMB001 when its extra is not installed.
        UsageError: EMB005 when `embedding.url` or `embedding.model` is missing.
    """
    match settings.kind:
        case "hashing":
            from opsctl.embeddings.hashing import HashingEmbedder

            return HashingEmbedder(dimension=settings.dimension, seed=settings.seed)
        case "minilm":
            from opsctl.embeddings.minilm import MiniLmEmbedder

            return MiniLmEmbedder()
        case "openai":
            return _openai(settings, api_key=api_key)


def _openai(settings: EmbeddingSettings, *, api_key: str | None) -> Embedder:
    from opsctl.embeddings.openai import OpenAiEmbedder

    if settings.url is None or settings.model is None:
        missing = "embedding.url" if settings.url is None else "embedding.model"
        raise UsageError(
            f"`{missing}` is not set",
            code="EMB005",
            why="`embedding.kind` is `openai`, which needs an address and a model name",
            fix=f"set `{missing}` in opsctl.yaml",
        )
    return OpenAiEmbedder(
        url=settings.url, model=settings.model, dimension=settings.dimension, api_key=api_key
    )
