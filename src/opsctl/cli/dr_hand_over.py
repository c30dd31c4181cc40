"""How does a project come back in a new folder, such as on another machine: stopped, whole, ready for `stack up`?"""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.cli.dr_site import ScratchSite

if TYPE_CHECKING:
    from opsctl.dr.restore import Outcome, Point


UNFINISHED = "restore.unfinished"
"""What stands in the state folder of a project that is being restored, until it is whole."""


class FolderSite(ScratchSite):
    """A restore into a new project's folder, such as on another machine: stopped at the end, ready for `stack up`."""

    def __init__(self, root: Path, **how: Any) -> None:
        from opsctl.cli import wiring

        super().__init__(root / ".opsctl", **how)
        self._root = root.resolve()
        self._project = wiring.settings().root
        self._files: tuple[str, ...] = ()

    def database(self) -> "Point":
        """Bring the project's own settings and books back first, which say what vectors are made with, then PostgreSQL."""
        from opsctl.cli import wiring
        from opsctl.clients.files import write_atomically
        from opsctl.dr.configuration import unpack

        self.home.mkdir(parents=True, exist_ok=True)
        write_atomically(self.home / UNFINISHED, f"{self._manifest.backup_id}\n")
        if self._manifest.configuration is not None:
            self._files = unpack(self._vault.get(self._manifest.configuration), into=self._root)
            wiring.change_project(self._root)
        return super().database()

    def hand_over(self) -> "Outcome":
        """Stop the stack, which starts anew where it is wanted."""
        from opsctl.dr.restore import Outcome

        self.stop()
        (self.home / UNFINISHED).unlink(missing_ok=True)
        return Outcome(figures={"files": len(self._files)})

    def abandon(self) -> None:
        """Remove everything, the books too, for the folder was empty; and go on with the settings that were there before."""
        from opsctl.cli import wiring

        super().abandon()
        shutil.rmtree(self._root, ignore_errors=True)
        wiring.change_project(self._project)
