"""How are files that were written, kept or removed told: each by its name, and many as a count a folder."""

from collections.abc import Iterator, Sequence

from opsctl.core.file_counts import by_folder
from opsctl.ui.console import hint, mode, print_line

MANY = 20
"""So many are named each; with `-v` all are."""


def show_files(done: Sequence[tuple[str, str]], *, column: int) -> None:
    """Print what was done to which file, the word in a column so wide."""
    if len(done) <= MANY or mode.verbosity > 0:
        for word, path in done:
            print_line(f"{word:<{column}} {path}")
        return
    for line in counted(done, column=column):
        print_line(line)
    hint("`opsctl -v` before the command names each file")


def counted(done: Sequence[tuple[str, str]], *, column: int) -> Iterator[str]:
    """Yield a line for each folder and for what was done there; what lies in none, or alone, has its name.

    >>> list(counted([("wrote", "a/b"), ("wrote", "a/c"), ("wrote", "d")], column=6))
    ['wrote  a/  2 files', 'wrote  d']
    """
    words = dict.fromkeys(word for word, _ in done)
    groups = [
        (word, folder, paths)
        for word in words
        for folder, paths in by_folder([path for each, path in done if each == word]).items()
    ]
    width = max((len(folder) for _, folder, paths in groups if len(paths) > 1), default=0)
    for word, folder, paths in groups:
        if len(paths) > 1:
            yield f"{word:<{column}} {folder:<{width}}  {len(paths)} files"
        else:
            yield f"{word:<{column}} {paths[0]}"
