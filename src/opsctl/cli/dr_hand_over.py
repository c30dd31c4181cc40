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
        self._is_claimed = False

    def database(self) -> "Point":
        """Bring the project's own settings and books back first, which say what vectors are made with, then PostgreSQL.

        Raises:
            RefusedError: DRC068 the folder is not free any more, such as for another restore that came first.
        """
        from opsctl.cli import wiring
        from opsctl.dr.configuration import unpack

        self._claim()
        if self._manifest.configuration is not None:
            self._files = unpack(self._vault.get(self._manifest.configuration), into=self._root)
            wiring.change_project(self._root)
        return super().database()

    def _claim(self) -> None:
        """Make the folder ours: of two at once only one can make the note, and the other one has nothing to remove."""
        from opsctl.cli.dr_restore_places import half_restored, require_free
        from opsctl.clients.files import file_error, write_atomically

        require_free(self._root)
        note = self.home / UNFINISHED
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            note.touch(exist_ok=False)
        except FileExistsError as error:
            raise half_restored(self._root) from error
        except OSError as error:
            raise file_error(error, path=note, doing="write") from error
        self._is_claimed = True
        write_atomically(note, f"{self._manifest.backup_id}\n")

    def hand_over(self) -> "Outcome":
        """Stop the stack, which starts anew where it is wanted."""
        from opsctl.dr.restore import Outcome

        self.stop()
        (self.home / UNFINISHED).unlink(missing_ok=True)
        return Outcome(figures={"files": len(self._files)})

    def abandon(self) -> None:
        """Remove everything, the books too, for the folder was empty; and go on with the settings that were there before.

        Where it was not ours, nothing of it is touched.
        """
        from opsctl.cli import wiring

        if not self._is_claimed:
            return
        super().abandon()
        shutil.rmtree(self._root, ignore_errors=True)
        wiring.change_project(self._project)
