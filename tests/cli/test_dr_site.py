"""A restore that is given up leaves nothing behind, even where the disk is full."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from opsctl.cli.dr_site import ScratchSite
from opsctl.core.errors import NotReadyError


class Full(ScratchSite):
    """A site on a full disk: nothing can be stopped as long as its data takes all the room."""

    place: Any = None

    def __init__(self, home: Path) -> None:
        self.home = home
        self.place = SimpleNamespace(data_dir=home / "data")
        self.is_stopped = False

    def stop(self) -> None:
        """Refuse, as a lock does that finds no room."""
        if self.place.data_dir.exists():
            raise NotReadyError("no room to lock", code="FIL001")
        self.is_stopped = True


def test_a_site_on_a_full_disk_is_stopped_and_removed_all_the_same(tmp_path: Path) -> None:
    """Its data goes first, which makes room."""
    site = Full(tmp_path / "home")
    (site.home / "data").mkdir(parents=True)

    site.abandon()

    assert site.is_stopped
    assert not site.home.exists()
