"""Which real things does a command work with: the only place that builds clients from settings."""

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.core.clock import SystemClock

if TYPE_CHECKING:
    from opsctl.config.settings import Settings
    from opsctl.evidence.ledger import Ledger

_chosen: dict[str, Path] = {}


def choose_project(folder: Path | None) -> None:
    """Remember the project folder given on the command line."""
    if folder is not None:
        _chosen["root"] = folder.resolve()


def clock() -> SystemClock:
    """Return the machine's clock."""
    return SystemClock()


@cache
def settings() -> "Settings":
    """Return the settings of this project, each with its origin."""
    from opsctl.config.settings import find_root, resolve_settings

    root = _chosen.get("root") or find_root(Path.cwd())
    return resolve_settings(root=root, environment=os.environ, user_file=_user_file(), flags={})


def ledger() -> "Ledger":
    """Return the evidence ledger of this project."""
    from opsctl.evidence.ledger import Ledger

    return Ledger(settings().home / "evidence", clock=clock())


def _user_file() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "opsctl" / "opsctl.yaml"
