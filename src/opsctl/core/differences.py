"""How do files on the disk differ from those that are rendered: missing, changed, or left over."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

_MOST_LINES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One file that is not as it should be: `missing`, `changed`, or `left over` from an earlier render."""

    path: str
    state: str
    lines: tuple[str, ...] = ()


def differences(wanted: Mapping[str, str], there: Mapping[str, str]) -> tuple[Difference, ...]:
    """Return how files that are there differ from those that are wanted."""
    found = []
    for path, text in wanted.items():
        if path not in there:
            found.append(Difference(path=path, state="missing"))
        elif there[path] != text:
            lines = difflib.unified_diff(there[path].splitlines(), text.splitlines(), lineterm="", n=1)
            shown = tuple(line for line in lines if not line.startswith(("---", "+++")))[:_MOST_LINES]
            found.append(Difference(path=path, state="changed", lines=shown))
    found += [Difference(path=path, state="left over") for path in sorted(set(there) - set(wanted))]
    return tuple(found)
