"""With what do the verbs of `dr` work: the book, the repository, the keys, and where notes are kept."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsctl.clients.file_locks import FileLock
    from opsctl.clients.repository import Repository
    from opsctl.clients.sealing import Sealing
    from opsctl.dr.archiver.status import ArchiverStatus
    from opsctl.dr.book import BackupBook
    from opsctl.dr.kept import Catalogue
    from opsctl.dr.vault import Vault

IDENTITY_VARIABLE = "OPSCTL_BACKUP_IDENTITY"

# Where they are not set, those of the repository are good for the off-site one too.
_OFFSITE_KEYS = {
    "OPSCTL_BACKUP_ACCESS_KEY": "OPSCTL_BACKUP_OFFSITE_ACCESS_KEY",
    "OPSCTL_BACKUP_SECRET_KEY": "OPSCTL_BACKUP_OFFSITE_SECRET_KEY",
}
_chosen: dict[str, str] = {}


def choose(*, place: str | None, identity: Path | None) -> None:
    """Remember a repository and a key that were given on the command line, instead of those of the book."""
    if place is not None:
        _chosen["place"] = place if "://" in place else str(Path(place).absolute())
    if identity is not None:
        # Not resolved: a link that leads in a circle is an error of whoever opens it, with the name that was given.
        _chosen["identity"] = str(identity.absolute())


def book() -> "BackupBook":
    """Return the book of the backups; its defaults where there is no file."""
    from opsctl.cli import wiring
    from opsctl.config.load import is_missing, load_book
    from opsctl.dr.book import BackupBook

    settings = wiring.settings()
    path = settings.root / settings.project.books.backup
    return BackupBook() if is_missing(path) else load_book(path, BackupBook)


def repository(url: str | None = None) -> "Repository":
    """Return the repository of the book, or another one."""
    from opsctl.cli import wiring
    from opsctl.clients.open_repository import open_repository

    place = url or _chosen.get("place") or book().repository
    if "://" not in place:
        place = str(wiring.settings().root / place)
    return open_repository(place, secrets=_keys(is_offsite=url is not None and url == book().offsite))


def own_place() -> str:
    """Return the repository of the book as messages say it, whatever was given on the command line."""
    return repository(book().repository).place


def _keys(*, is_offsite: bool) -> "Mapping[str, str]":
    """Return the keys of a bucket; those of the off-site one stand apart, for it belongs into another account."""
    from opsctl.config.settings import with_secret_files

    environment = with_secret_files(os.environ)
    if not is_offsite:
        return environment
    theirs = {
        name: environment[variable] for name, variable in _OFFSITE_KEYS.items() if environment.get(variable)
    }
    return {**environment, **theirs}


def sealing() -> "Sealing":
    """Return how backups are sealed, and with which key they are opened, where it is here.

    The book may name a file that only another machine has: one book serves those that make backups, which need no secret
    key, and those that verify them. What the command line names has to be there.
    """
    from opsctl.cli import wiring
    from opsctl.clients.sealing import Sealing
    from opsctl.config.load import is_missing
    from opsctl.config.settings import secret

    chosen, root = book(), wiring.settings().root
    file = chosen.encryption.identity_file
    absent = str(root / file) if file is not None and is_missing(root / file) else None
    identity = secret(
        variable=IDENTITY_VARIABLE,
        file=_chosen.get("identity") or (None if absent else file),
        root=root,
        environment=os.environ,
    )
    return Sealing(
        recipients=tuple(chosen.encryption.recipients),
        identities=() if identity is None else (identity,),
        level=chosen.compression,
        absent=absent,
    )


def vault(url: str | None = None) -> "Vault":
    """Return the sealed view of the repository, or of another one such as the off-site copy."""
    from opsctl.dr.vault import Vault

    return Vault(repository(url), sealing())


def catalogue(of: "Vault") -> "Catalogue":
    """Return the backups of a repository."""
    from opsctl.dr.kept import Catalogue

    return Catalogue(of, copies=notes_folder() / "manifests")


def notes_folder() -> Path:
    """Return where this machine keeps what it knows of its backups."""
    from opsctl.cli import wiring

    return wiring.settings().home / "dr"


def restoring(*, what: str) -> "FileLock":
    """Return the lock of whoever restores in the place of the stack, or touches what a restore puts aside."""
    from opsctl.clients.file_locks import FileLock

    return FileLock(notes_folder() / "restore.lock", what=what)


def spool_folder() -> Path:
    """Return where the archiver receives WAL before it ships it."""
    return notes_folder() / "archiver"


def archiver_status() -> "ArchiverStatus | None":
    """Return what the archiver last noted of itself; None where none ever ran."""
    from opsctl.dr.archiver.status import read_status

    return read_status(spool_folder() / "status.json")
