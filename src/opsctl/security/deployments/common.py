"""What is asked of every container, in whichever language it is described?"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_SECRET_NAME = re.compile(
    r"(?:PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIALS?|(?:API|ACCESS|PRIVATE)_?KEY|DSN)$", re.IGNORECASE
)
# `${NAME}` and `${NAME:?message}` leave the value to whoever starts it; a default after `:-` stands in the file.
_REFERENCE = re.compile(r"\$\{?\w+(?::?\?[^}]*)?\}?$")

BIND_SERVICE = "NET_BIND_SERVICE"
"""The one right that a container may be given back: to listen below port 1024."""


class Weakness(NamedTuple):
    """One thing that is wrong with a container, and the name of what it is about."""

    about: str
    title: str


def image_weakness(image: str) -> str | None:
    """Return why an image may be another one tomorrow; None where it has a tag or a digest."""
    if "@sha256:" in image or image == "scratch" or image.startswith("$"):
        return None
    name, _, tag = image.rpartition("/")[2].partition(":")
    if not tag or tag == "latest":
        return f"image `{image}` has no fixed tag: `{name}` may be another program tomorrow"
    return None


def literal_secrets(environment: dict[str, object]) -> Iterator[str]:
    """Yield why variables hold a secret as it is: whoever can look at the container reads it."""
    for name, value in environment.items():
        text = "" if value is None else str(value)
        if text and _SECRET_NAME.search(name) and _REFERENCE.fullmatch(text) is None:
            yield f"variable `{name}` holds a secret; use a file below /run/secrets, and `{name}_FILE`"
