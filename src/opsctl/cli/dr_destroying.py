"""How is something lost for real on a ground: processes killed, data removed, bits flipped, statements run."""

import os
import shutil
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.core.errors import FailedError
from opsctl.core.waiting import wait_until
from opsctl.dr.drill.book import Loss

if TYPE_CHECKING:
    from collections.abc import Callable

    from opsctl.cli.dr_ground import LossStage

_BACKUP = "drill_backup"
_UNDER_WAY_SECONDS = 30.0
_POLL_SECONDS = 0.02
_OF_HELPERS = "chaos"


class Destroyer:
    """Destroys what a book names, each so that nothing of it is left to come back by itself."""

    def __init__(self, stage: "LossStage") -> None:
        self._stage = stage
        self._ways: dict[Loss, Callable[[], None]] = {
            Loss.DATABASE: self._database,
            Loss.VECTORS: self._vectors,
            Loss.ALIASES: self._aliases,
            Loss.MIGRATION: self._migration,
            Loss.DELETES: self._deletes,
            Loss.REGION: self._region,
            Loss.REPOSITORY: self._repository,
        }

    def destroy(self, loss: Loss) -> None:
        """Destroy one thing."""
        self._ways[loss]()

    def begin_backup(self) -> None:
        """Begin a full backup in a process of its own, and return when the first of its files is being written.

        Raises:
            FailedError: DRC076 it does not get there.
        """
        from opsctl.cli import wiring

        ground, repository = self._stage.ground, self._stage.outside.repository
        before = {path.name for path in (repository / "backups").iterdir()}
        ground.helpers.start(
            _BACKUP,
            *(sys.executable, "-m", "opsctl", "--project", str(ground.root), "dr", "backup", "--full"),
        )
        has_begun = wait_until(
            lambda: any(path.name not in before for path in (repository / "backups").iterdir()),
            clock=wiring.clock(),
            seconds=_UNDER_WAY_SECONDS,
            poll_seconds=_POLL_SECONDS,
        )
        if not has_begun:
            raise FailedError(
                "the backup of the drill did not begin",
                code="DRC076",
                fix=f"look at its log: {ground.helpers.folder / _BACKUP}.log",
            )

    def _database(self) -> None:
        self._kill_backup()
        self._remove("postgres")

    def _kill_backup(self) -> None:
        """Kill the backup that is under way, where there is one: it dies with its machine, and tidies nothing up."""
        helpers = self._stage.ground.helpers
        pid = helpers.pid_of(_BACKUP)
        if pid is not None and _BACKUP in helpers.living():
            os.kill(pid, signal.SIGKILL)
        helpers.end(_BACKUP)

    def _vectors(self) -> None:
        self._remove("vectors")

    def _remove(self, part: str) -> None:
        """Kill a part and remove its data."""
        from opsctl.stack.model import PartName
        from opsctl.stack.record import read_stack_record

        ground = self._stage.ground
        place = read_stack_record(ground.home).places[PartName(part)]
        ground.kill(part)
        shutil.rmtree(place.data_dir)

    def _aliases(self) -> None:
        from opsctl.clients.qdrant import QdrantStore
        from opsctl.clients.qdrant_values import DropAlias, QdrantPlace
        from opsctl.stack.status import stack_status

        url = stack_status(self._stage.ground.home).vectors_url
        with QdrantStore(QdrantPlace(url=url)) as store:
            store.change_aliases([DropAlias(alias=alias) for alias in store.aliases()])

    def _migration(self) -> None:
        self._execute("alter table content drop column quality cascade")

    def _deletes(self) -> None:
        # One of the largest, so that a region's readers have nothing left.
        self._execute(
            "delete from content where region = (select region from content where category <> 'canary' "
            "group by region order by count(*) desc limit 1)"
        )

    def _region(self) -> None:
        """Kill every part, and remove everything but what the drill itself stands on."""
        from opsctl.stack.model import PartName
        from opsctl.stack.record import read_stack_record

        ground, outside = self._stage.ground, self._stage.outside
        places = read_stack_record(ground.home).places
        for part in PartName:
            if part in places:
                ground.kill(part)
        for place in places.values():
            shutil.rmtree(place.data_dir, ignore_errors=True)
        for path in (*ground.root.iterdir(), *ground.home.iterdir()):
            if path not in (ground.home, ground.home / _OF_HELPERS):
                _remove_path(path)
        shutil.rmtree(outside.repository)

    def _repository(self) -> None:
        """Flip a bit in everything that the newest backup keeps of PostgreSQL."""
        newest = max(
            path
            for path in (self._stage.outside.repository / "backups").iterdir()
            if any(path.glob("manifest@*"))
        )
        for path in sorted(newest.glob("*/postgres/*")):
            with path.open("r+b") as stream:
                stream.seek(path.stat().st_size // 2)
                byte = stream.read(1)
                stream.seek(-1, 1)
                stream.write(bytes([byte[0] ^ 1]))

    def _execute(self, statement: str) -> None:
        from opsctl.clients.postgres import DatabaseAddress, connect
        from opsctl.stack.status import stack_status

        state = stack_status(self._stage.ground.home)
        address = DatabaseAddress.with_password_file(
            state.database_url, password_file=state.database_password_file
        )
        with connect(address, autocommit=True) as connection:
            connection.execute(statement.encode())


def _remove_path(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
