"""From what does `catalog import` read: a file, or a table of a Supabase project that is copied to one first."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.cli import filling, wiring
from opsctl.core.events import Listener, Noted

if TYPE_CHECKING:
    from opsctl.catalog.import_file import ImportReport
    from opsctl.catalog.mapping import MappingBook
    from opsctl.cli.backends import Backends
    from opsctl.clients.supabase import SupabasePlace

_TABLE = "supabase:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file to import, and how its rows become items; a copied table is a file of the table's name."""

    path: Path
    book: "MappingBook"

    def check(self, listener: Listener) -> "ImportReport":
        """Judge every row and write nothing."""
        from opsctl.catalog.import_file import check_file

        return check_file(self.path, mapping=self.book, listener=listener)

    def import_into(self, servers: "Backends", *, again: bool, listener: Listener) -> "ImportReport":
        """Bring the rows into the database."""
        from opsctl.catalog.import_file import import_file
        from opsctl.clients.postgres import translated_errors

        with translated_errors(servers.database_address()):
            return import_file(
                self.path,
                mapping=self.book,
                connection=servers.database(),
                rejects_path=_imports() / f"{self.book.source}-{self._stem}.rejects.jsonl",
                listener=listener,
                again=again,
            )

    @property
    def _stem(self) -> str:
        return self.path.name if self.path.name.startswith(_TABLE) else self.path.stem


@contextmanager
def opened(origin: str, *, mapping: str | None, listener: Listener) -> Iterator[Source]:
    """Give what is to be imported, before any server of ours is started for it."""
    from opsctl.catalog.read_rows import require_file

    if not origin.startswith(_TABLE):
        path = Path(origin)
        book = filling.mapping(mapping or path.stem)
        require_file(path)
        yield Source(path=path, book=book)
        return
    table = origin.removeprefix(_TABLE)
    book = filling.mapping(mapping or table.rpartition(".")[2])
    with _copied(table, book=book, listener=listener) as source:
        yield source


@contextmanager
def _copied(table: str, *, book: "MappingBook", listener: Listener) -> Iterator[Source]:
    """Copy a table to a file that lives as long as the import."""
    from opsctl.catalog.copy_table import copy_table
    from opsctl.cli.supabase import project
    from opsctl.clients.file_locks import FileLock
    from opsctl.clients.supabase_tables import SupabaseTable

    name = f"{_TABLE}{table}"
    with project() as supabase:
        rows = SupabaseTable(supabase, table)
        path = _imports() / name
        _warn_of_row_security(supabase.place, name=name, listener=listener)
        with FileLock(path.with_name(f"{name}.lock"), what=f"importing {name}"):
            try:
                read_by = copy_table(rows, name=name, mapping=book, path=path, listener=listener)
                yield Source(path=path, book=read_by)
            finally:
                path.unlink(missing_ok=True)


def _warn_of_row_security(place: "SupabasePlace", *, name: str, listener: Listener) -> None:
    if not place.bypasses_row_security:
        message = "the key is not a secret one: rows that row level security hides from it are left out"
        listener(Noted(subject=name, message=message))


def _imports() -> Path:
    return wiring.settings().home / "imports"
