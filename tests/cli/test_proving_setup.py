"""A proving ground begins with nothing of the one before it."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from opsctl.cli import proving_setup
from opsctl.core.clock import SystemClock
from opsctl.core.events import ignore
from opsctl.stack import placement


class BeginsError(Exception):
    """The ground begins to be made."""


def test_a_database_that_lies_outside_of_the_ground_goes_with_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Root keeps it elsewhere where the project is closed; found again without its password, nothing would ever start."""
    defaults = {"shared_root": tmp_path / "shared"}
    monkeypatch.setattr(placement.remove_state, "__kwdefaults__", defaults)
    ground = tmp_path / ".opsctl" / "proving" / ".opsctl"
    data = placement.possible_data_dirs(ground, shared_root=tmp_path / "shared")
    for folder in data:
        folder.mkdir(parents=True)

    def begin(*_: Any, **__: Any) -> None:
        raise BeginsError

    monkeypatch.setattr(proving_setup, "_write_project", begin)
    settings: Any = SimpleNamespace(home=tmp_path / ".opsctl")
    with (
        pytest.raises(BeginsError),
        proving_setup.proving_ground(settings, clock=SystemClock(), listener=ignore),
    ):
        pass

    assert [folder.exists() for folder in data] == [False, False]
