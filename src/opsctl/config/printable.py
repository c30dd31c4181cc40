"""Which characters of a text would a terminal obey, or hide, instead of showing them?"""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsctl.config.marks import MarkedDocument, Path  # YAML, for which no help page waits

# C0 but for tab and line end, DEL, C1; then those that turn the direction of writing, by which a text reads as another.
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    r"""Return a text with such characters written out; what is JSON stays JSON.

    >>> visible("red: \x1b[31m, turned: \u202e")
    'red: \\x1b[31m, turned: \\u202e'
    """
    return UNPRINTABLE.sub(lambda found: escaped(found[0]), text)


def escaped(character: str) -> str:
    """Return how a character is written out."""
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x20 else f"\\u{number:04x}"


def unprintable_values(document: "MarkedDocument") -> "Iterator[tuple[Path, bool, str]]":
    """Yield the place of each text of a book that holds one, whether the text is the key, and the first that it holds."""
    for path in document.values:
        for is_key, text in ((True, path[-1] if path else ""), (False, _value_at(document.value, path))):
            found = UNPRINTABLE.search(text) if isinstance(text, str) else None
            if found is not None:
                yield path, is_key, found[0]


def _value_at(value: object, path: "Path") -> object:
    for part in path:
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return None
    return value
