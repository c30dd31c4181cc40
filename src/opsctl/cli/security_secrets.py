"""Where does each secret of this project come from: its variable, or the file that the settings or a book names."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opsctl.security.context import SecretSource

_FILE_KEY = re.compile(r"(?:secret|password|key|token|url|identity|dsn)_file$")


def secret_sources() -> "tuple[SecretSource, ...]":
    """Return the source of every secret that opsctl can be given, and of the embedded database's password."""
    from opsctl.cli import wiring
    from opsctl.config.settings import SECRET_VARIABLES
    from opsctl.security.context import SecretSource

    settings = wiring.settings()
    named = _named_in_settings()
    rows = [
        SecretSource(
            name=_name_of(variable),
            variable=variable,
            file=settings.root / file if (file := named.get(variable, ("", None))[1]) else None,
            named_by=named.get(variable, ("", None))[0],
        )
        for variable in sorted(SECRET_VARIABLES)
    ]
    return (*rows, *_of_stack(settings.home), *_of_delivery())


def _named_in_settings() -> dict[str, tuple[str, str | None]]:
    from opsctl.cli import wiring
    from opsctl.dr.book import BackupBook

    project = wiring.settings().project
    backup = _book("backup", BackupBook) or BackupBook()
    return {
        "OPSCTL_QDRANT_API_KEY": ("qdrant.api_key_file", project.qdrant.api_key_file),
        "OPSCTL_DATABASE_PASSWORD": ("database.password_file", project.database.password_file),
        "OPSCTL_EMBEDDING_API_KEY": ("embedding.api_key_file", project.embedding.api_key_file),
        "OPSCTL_SUPABASE_KEY": ("supabase.key_file", project.supabase.key_file),
        "OPSCTL_BACKUP_IDENTITY": ("encryption.identity_file", backup.encryption.identity_file),
    }


def _of_stack(home: Path) -> "tuple[SecretSource, ...]":
    from opsctl.security.context import SecretSource
    from opsctl.stack.model import password_file

    file = password_file(home)
    return (
        (SecretSource(name="embedded database", variable=None, file=file, named_by="the stack"),)
        if file.exists()
        else ()
    )


def _of_delivery() -> "tuple[SecretSource, ...]":
    """Return the files that the book of alert delivery names."""
    from opsctl.alerts.delivery import DeliveryBook
    from opsctl.cli import wiring
    from opsctl.security.context import SecretSource

    settings = wiring.settings()
    folder = settings.project.books.alerts
    book = _book_at(settings.root / folder / "delivery.yaml", DeliveryBook)
    if book is None:
        return ()
    return tuple(
        SecretSource(
            name=f"alerts to {receiver}",
            variable=None,
            file=settings.root / str(value),
            named_by=f"{folder}/delivery.yaml: {receiver}.{key}",
        )
        for receiver, entry in book.receivers.items()
        for key, value in entry.model_dump().items()
        if value is not None and _FILE_KEY.search(key)
    )


def _name_of(variable: str) -> str:
    """Return what a variable opens, in words.

    >>> _name_of("OPSCTL_BACKUP_ACCESS_KEY")
    'backup access key'
    """
    return variable.removeprefix("OPSCTL_").lower().replace("_", " ")


def _book(name: str, model: Any) -> Any:
    from opsctl.cli import wiring

    settings = wiring.settings()
    return _book_at(settings.root / getattr(settings.project.books, name), model)


def _book_at(path: Path, model: Any) -> Any:
    from opsctl.config.load import is_missing, load_book

    return None if is_missing(path) else load_book(path, model)
