"""How are many files told in few words: those of one folder together, by how many they are?"""

from collections.abc import Sequence
from pathlib import PurePosixPath


def by_folder(paths: Sequence[str]) -> dict[str, list[str]]:
    """Return the paths of each folder in the order in which they came; what lies in no folder stands for itself.

    >>> by_folder(["a/b", "a/c", "d"])
    {'a/': ['a/b', 'a/c'], 'd': ['d']}
    """
    groups: dict[str, list[str]] = {}
    for path in paths:
        folder = str(PurePosixPath(path).parent)
        groups.setdefault(path if folder == "." else f"{folder}/", []).append(path)
    return groups


def told_by_folder(paths: Sequence[str]) -> str:
    """Return one line.

    >>> told_by_folder(["a/b", "a/c", "d", "e/f"])
    '2 in a/, d, e/f'
    """
    groups = by_folder(paths).items()
    return ", ".join(f"{len(each)} in {folder}" if len(each) > 1 else each[0] for folder, each in groups)
