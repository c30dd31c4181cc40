"""How artefacts are kept in a folder of this machine."""

from datetime import UTC, datetime
from pathlib import Path

from opsctl.clients.artefacts import (
    Artefact,
    changed_meanwhile,
    checked_name,
    damaged,
    digest_of,
    key_of,
    newest_first,
    parse_key,
    pieces_of,
    receive,
    require_free,
)
from opsctl.clients.files import file_error
from opsctl.core.errors import FailedError


class FolderArtefacts:
    """Artefacts as files of one folder, each named by name and digest."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def place(self) -> str:
        """Return the folder."""
        return str(self._folder)

    def put(self, path: Path, *, name: str) -> Artefact:
        """Copy a file into the folder."""
        checked_name(name)
        sha256, _ = digest_of(path)
        target = self._folder / key_of(name, sha256=sha256)
        if target.exists() and digest_of(target)[0] != sha256:
            # Cut short or altered by hand; the right bytes are here and take its place.
            target.unlink()
        if require_free(target, sha256=sha256):
            try:
                receive(pieces_of(path), target=target, artefact=name, sha256=sha256)
            except FailedError as error:
                raise changed_meanwhile(path) from error
        return self._artefact(target, name=name, sha256=sha256)

    def entries(self) -> tuple[Artefact, ...]:
        """Return the artefacts of the folder; other files are nobody's business."""
        try:
            paths = [path for path in self._folder.iterdir() if path.is_file()]
            found = [(path, parsed) for path in paths if (parsed := parse_key(path.name)) is not None]
            return newest_first(
                self._artefact(path, name=name, sha256=digest) for path, (name, digest) in found
            )
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise file_error(error, path=self._folder, doing="list") from error

    def get(self, artefact: Artefact, *, target: Path, overwrite: bool = False) -> None:
        """Copy an artefact to a file."""
        kept = self._folder / artefact.key
        if not kept.is_file():
            raise damaged(artefact.name, why=f"`{kept}` is gone")
        if require_free(target, sha256=artefact.sha256, overwrite=overwrite):
            receive(
                pieces_of(kept),
                target=target,
                artefact=artefact.name,
                sha256=artefact.sha256,
                overwrite=overwrite,
            )

    def _artefact(self, path: Path, *, name: str, sha256: str) -> Artefact:
        found = path.stat()
        stored_at = datetime.fromtimestamp(found.st_mtime, tz=UTC)
        return Artefact(name=name, sha256=sha256, size_bytes=found.st_size, stored_at=stored_at)
