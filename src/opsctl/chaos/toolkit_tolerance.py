"""What does a tolerance of Chaos Toolkit ask of an answer, in the words of our probes."""

import re
from typing import Any

_SIMPLE_PATH = re.compile(r"\$((?:\.[A-Za-z_]\w*|\[\d+\])+)")


class CannotTranslate(Exception):  # noqa: N818 - it is told as a finding, never raised to a user
    """A tolerance has no counterpart among our probes; the message says which."""


def tolerance_of(tolerance: Any) -> dict[str, Any]:
    """Return the keys of a probe that ask the same.

    Raises:
        CannotTranslate: when there are none.
    """
    match tolerance:
        case None:
            return {}
        case bool() | str():
            raise CannotTranslate(f"the tolerance `{tolerance}` is for a value that a program returns")
        case int():
            return {"status": [tolerance]}
        case list() if tolerance and all(type(each) is int for each in tolerance):
            return {"status": tolerance}
        case {"type": "regex", "pattern": str(pattern)}:
            return {"pattern": pattern}
        case {"type": "range", "range": [int() | float() as low, int() | float() as high]}:
            return {"between": (low, high)}
        case {"type": "jsonpath", "path": str(path)}:
            return _json_path(path, tolerance)
        case _:
            pass
    kind = tolerance.get("type", "none") if isinstance(tolerance, dict) else type(tolerance).__name__
    raise CannotTranslate(f"a tolerance of the kind `{kind}` is not known here")


def _json_path(path: str, tolerance: dict[str, Any]) -> dict[str, Any]:
    found = _SIMPLE_PATH.fullmatch(path)
    if found is None:
        raise CannotTranslate(f"`{path}` is more than a plain path")
    dotted = re.sub(r"\[(\d+)\]", r".\1", found[1]).lstrip(".")
    expect = tolerance.get("expect")
    if expect is None:
        return {"json_path": dotted}
    values = expect if isinstance(expect, list) else [expect]
    if len(values) != 1 or not isinstance(values[0], str | int | float | bool):
        raise CannotTranslate(f"`{path}` is to be {expect!r}, which is more than one value")
    return {"json_path": dotted, "equals": values[0]}
