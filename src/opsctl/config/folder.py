"""Which books lie in a folder, and which files look like books and are none?"""

import re
from dataclasses import dataclass
from pathlib import Path

from opsctl.clients.files import file_error
from opsctl.core.errors import UsageError

# The name becomes that of files, groups and dashboards, each with something added to it.
_NAME = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,100}")
_OTHER_SUFFIX = {".yaml": ".yml"}


@dataclass(frozen=True, slots=True, kw_only=True)
class BookFolder:
    """What lies in a folder: books by name, and files whose suffix is only almost that of a book, such as `.yml`."""

    books: tuple[Path, ...] = ()
    ignored: tuple[Path, ...] = ()
    is_there: bool = True


def books_in(folder: Path, *, suffix: str = ".yaml") -> BookFolder:
    """Return the books of a folder; hidden files are an editor's, and no books.

    Raises:
        NotReadyError: FIL003 the folder cannot be read: it is not empty only because nobody may look.
        UsageError: CFG009 a book has a name that cannot become that of a group, a file or an address.
    """
    try:
        paths = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".")]
    except (FileNotFoundError, NotADirectoryError):
        return BookFolder(is_there=False)
    except OSError as error:
        raise file_error(error, path=folder, doing="read") from error
    books = tuple(path for path in paths if path.suffix == suffix)
    for path in books:
        if not _NAME.fullmatch(path.stem):
            raise UsageError(
                f"`{path.name}` is no name of a book",
                code="CFG009",
                why="it has more than 100 characters, or some that nobody can type",
                fix=f"rename it: ls -b {folder}",
            )
    ignored = tuple(path for path in paths if path.suffix == _OTHER_SUFFIX.get(suffix))
    return BookFolder(books=books, ignored=ignored)


def yaml_books(folder: Path, *, of: str) -> list[Path]:
    """Return the books of a folder where both suffixes of YAML are taken; `of` is their key under `books`.

    Raises:
        UsageError: CFG008 there is no such folder; else as `books_in`.
    """
    found = [books_in(folder, suffix=suffix) for suffix in (".yaml", ".yml")]
    if not all(each.is_there for each in found):
        raise UsageError(
            f"`{folder}` is no folder of {of}",
            code="CFG008",
            fix=f"`books: {{{of}: ...}}` in opsctl.yaml says where they are; `opsctl init` writes the starter books",
        )
    return sorted(path for each in found for path in each.books)
