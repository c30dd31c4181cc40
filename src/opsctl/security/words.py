"""Is a value made of words, as in an example, or does it look as a generator of secrets would make it?"""

import re

_WORD = re.compile(r"[A-Za-z]?[a-z]*|[A-Z]+|\d+|[A-Za-z][a-z]*\d[a-z]*|[A-Za-z][a-z]*\d{1,4}")
_LONGEST_WORD = 15
_LEAST_RANDOM = 8


def looks_random(value: str) -> bool:
    """Tell whether at least eight characters of a value are of no word.

    >>> [looks_random(text) for text in ("s3cret-that-nobody-may-see", "scram-sha-256", "q7Rk2mVx9TzL4bWc")]
    [False, False, True]
    """
    pieces = re.split(r"[^A-Za-z0-9]+", _undecorated(value))
    return sum(len(piece) for piece in pieces if not _is_word(piece)) >= _LEAST_RANDOM


def _is_word(piece: str) -> bool:
    is_mask = len(set(piece)) <= 2
    return is_mask or (len(piece) <= _LONGEST_WORD and _WORD.fullmatch(piece) is not None)


def _undecorated(value: str) -> str:
    """Return a value with capitals inside words, as in `someName`, as words of their own."""
    return re.sub(r"(?<=[a-z])(?=[A-Z][a-z]{2})", "-", value)
