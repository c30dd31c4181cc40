"""The settings choose the embedder, and say what is missing."""

from importlib.util import find_spec

import pytest

from opsctl.config.project import EmbeddingSettings
from opsctl.core.errors import NotReadyError, UsageError
from opsctl.embeddings.make import make_embedder


def test_hashing_is_the_default_with_dimension_and_seed_of_the_settings() -> None:
    """No model is needed."""
    embedder = make_embedder(EmbeddingSettings(dimension=64, seed=9))

    assert (embedder.model_id, embedder.dimension) == ("hashing-v1-d64-s9", 64)


@pytest.mark.parametrize(
    ("settings", "missing"),
    [
        (EmbeddingSettings(kind="openai", model="m"), "embedding.url"),
        (EmbeddingSettings(kind="openai", url="https://model.test"), "embedding.model"),
    ],
)
def test_an_endpoint_needs_an_address_and_a_model(settings: EmbeddingSettings, missing: str) -> None:
    """EMB005 names the setting."""
    with pytest.raises(UsageError, match=f"`{missing}` is not set") as caught:
        make_embedder(settings)

    assert caught.value.code == "EMB005"


def test_a_complete_endpoint_is_made_without_being_asked() -> None:
    """Making it costs no request."""
    settings = EmbeddingSettings(kind="openai", url="https://model.test", model="m", dimension=16)

    assert make_embedder(settings, api_key="key").model_id == "m"


@pytest.mark.skipif(find_spec("sentence_transformers") is not None, reason="opsctl[minilm] is installed")
def test_minilm_without_its_extra_tells_the_command_that_installs_it() -> None:
    """EMB001 can be copied and run."""
    with pytest.raises(NotReadyError) as caught:
        make_embedder(EmbeddingSettings(kind="minilm"))

    assert caught.value.code == "EMB001"
    assert "pip install 'opsctl[minilm]'" in str(caught.value.fix)
