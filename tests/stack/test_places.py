"""Where the servers of a project are, as its settings say."""

from pathlib import Path

import pytest

from opsctl.config.settings import resolve_settings
from opsctl.core.errors import NotReadyError
from opsctl.stack.places import Places


@pytest.mark.parametrize("through_pooler", [False, True])
def test_a_transaction_pooler_is_known_to_the_address(tmp_path: Path, *, through_pooler: bool) -> None:
    """So that nothing is tied to a session of the server."""
    environment = {
        "OPSCTL_DATABASE_URL": "postgresql://postgres.ref@pooler.example:6543/postgres",
        "OPSCTL_DATABASE_THROUGH_POOLER": str(through_pooler).lower(),
    }
    settings = resolve_settings(root=tmp_path, environment=environment, user_file=None, flags={})

    def embedded() -> None:
        raise NotReadyError("no stack is needed", code="X")

    address = Places(settings, embedded=embedded).database()  # type: ignore[arg-type]

    assert address.through_pooler is through_pooler
    assert address.shown == "postgresql://postgres.ref@pooler.example:6543/postgres"
