"""The book of the caches: what is refused before any process starts."""

import pytest
from pydantic import ValidationError

from opsctl.service.cache.policy import KeyValueTier


@pytest.mark.parametrize("memory", ["0B", "1KiB", "1023KiB"])
def test_a_file_of_l2_too_small_for_anything_is_refused(memory: str) -> None:
    """LMDB would not open it, or every write would fail."""
    with pytest.raises(ValidationError, match="at least `1MiB`"):
        KeyValueTier(memory=memory)


def test_the_size_of_the_file_matters_to_lmdb_alone() -> None:
    """Other stores have limits of their own."""
    assert KeyValueTier(backend="redis", redis_url="redis://127.0.0.1:6379/0", memory="1KiB").memory == "1KiB"
