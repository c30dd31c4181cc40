"""How long does the service say that its stages took: the `Server-Timing` header."""

import re
from collections.abc import Iterator

_HEADER = re.compile(rb"\r\nserver-timing:([^\r\n]*)")
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]{1,40}")
_DURATION = re.compile(rb"dur=([0-9]{1,9}(?:\.[0-9]{1,9})?)")
_MOST_STAGES = 20
"""A service that names its stages by ids must not fill the memory."""


def stages_of(lower_head: bytes) -> Iterator[tuple[str, float]]:
    """Yield name and seconds of each stage that a head in lower case names with a duration (in milliseconds there)."""
    found = 0
    for header in _HEADER.finditer(lower_head):
        for metric in header[1].split(b","):
            name, *parameters = (part.strip() for part in metric.split(b";"))
            duration = next(filter(None, map(_DURATION.fullmatch, parameters)), None)
            if duration is not None and _NAME.fullmatch(name) and found < _MOST_STAGES:
                found += 1
                yield name.decode(), float(duration[1]) / 1000
