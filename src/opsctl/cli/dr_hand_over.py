"""How does what was restored take the place of what was lost: moved in as a whole, what was there kept aside."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.cli.dr_site import ScratchSite

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsctl.dr.restore import Outcome
    from opsctl.stack.model import PartName


class FolderSite(ScratchSite):
    """A restore into a new project's folder, such as on another machine: stopped at the end, ready for `stack up`."""

    def __init__(self, root: Path, **how: object) -> None:
        super().__init__(root / ".opsctl", **how)  # type: ignore[arg-type]
        self._root = root

    def hand_over(self) -> "Outcome":
        """Write the project's books beside the data, and stop the stack, which starts anew where it is wanted."""
        from opsctl.dr.configuration import unpack
        from opsctl.dr.restore import Outcome

        self.stop()
        names: tuple[str, ...] = ()
        if self._manifest.configuration is not None:
            names = unpack(self._vault.get(self._manifest.configuration), into=self._root)
        return Outcome(figures={"files": len(names)})


class LiveSite(ScratchSite):
    """A restore in the place of this project's stack; what was there is moved aside, not deleted."""

    def __init__(self, live_home: Path, *, stamp: str, **how: object) -> None:
        super().__init__(live_home / f"restore-{stamp}", **how)  # type: ignore[arg-type]
        self._live_home = live_home.resolve()
        self._stamp = stamp
        self.put_aside: list[Path] = []

    def hand_over(self) -> "Outcome":
        """Stop what is left of the stores, change the data, and start them where they were."""
        from opsctl.cli import wiring
        from opsctl.core.events import ignore
        from opsctl.dr.restore import Outcome
        from opsctl.stack.down import stop_stack
        from opsctl.stack.model import password_file
        from opsctl.stack.up import start_stack

        parts = self._parts()
        self.stop()
        stop_stack(self._live_home, listener=ignore, clock=wiring.clock(), only=parts)
        moved: list[tuple[Path, Path]] = []
        try:
            for ours, live in self._folders():
                if live.exists():
                    aside = live.with_name(f"{live.name}.replaced-{self._stamp}")
                    moved.append((live, aside))
                    live.rename(aside)
                live.parent.mkdir(parents=True, exist_ok=True)
                ours.rename(live)
            shutil.copy2(password_file(self.home), password_file(self._live_home))
            start_stack(self._live_home, listener=ignore, clock=wiring.clock(), only=parts)
        except BaseException:
            self._take_back(moved)
            raise
        self.put_aside = [aside for _, aside in moved]
        self.abandon()
        return Outcome(figures={"put aside": len(moved)})

    def _parts(self) -> "tuple[PartName, ...]":
        from opsctl.stack.model import PartName

        return (PartName.POSTGRES, PartName.VECTORS)

    def _folders(self) -> "Iterator[tuple[Path, Path]]":
        """Yield each folder of data that was restored, and where it belongs."""
        from opsctl.stack.model import PartName
        from opsctl.stack.postgres import cluster_dir, plan_place
        from opsctl.stack.record import read_stack_record
        from opsctl.stack.vectors import plan_place as plan_vectors

        recorded = read_stack_record(self._live_home).places
        database = recorded.get(PartName.POSTGRES) or plan_place(self._live_home, None)
        vectors = recorded.get(PartName.VECTORS) or plan_vectors(self._live_home, None)
        yield cluster_dir(self.place), cluster_dir(database)
        yield plan_vectors(self.home, None).data_dir, vectors.data_dir

    def _take_back(self, moved: "list[tuple[Path, Path]]") -> None:
        """Let everything be where it was; what was restored is still there to be looked at."""
        from opsctl.cli import wiring
        from opsctl.core.events import ignore
        from opsctl.stack.down import stop_stack

        stop_stack(self._live_home, listener=ignore, clock=wiring.clock(), only=self._parts())
        for live, aside in reversed(moved):
            if aside.exists():
                if live.exists():
                    live.rename(live.with_name(f"{live.name}.unused-{self._stamp}"))
                aside.rename(live)
