"""What does a reader hand on: a row with its place in the file, or the reason why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opsctl.core.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One record; `line` is the line on which it begins, for Parquet the number of the row."""

    line: int
    cells: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRow:
    """One record that cannot be used, with the reason and the beginning of what stands there."""

    line: int
    reason: str
    seen: str = ""


def empty_file(path: object, *, why: str) -> UsageError:
    """Return the refusal of a file that holds no rows at all."""
    return UsageError(
        f"`{path}` holds no rows",
        code="CAT002",
        why=why,
        fix="check that this is the file you mean; nothing was changed",
    )


def excerpt(text: str | bytes, *, length: int = 120) -> str:
    """Return the beginning of a text for a report, with what cannot be shown made visible."""
    shown = text.decode("utf-8", "backslashreplace") if isinstance(text, bytes) else text
    shown = shown.rstrip("\r\n")
    return shown if len(shown) <= length else f"{shown[:length]}..."
