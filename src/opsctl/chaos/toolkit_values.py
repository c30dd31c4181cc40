"""What do the values of a Chaos Toolkit experiment mean: lists, texts, seconds, variables, pauses and calls of faults?"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from opsctl.chaos.toolkit_export import EXTENSION, FAULT_COMMAND
from opsctl.chaos.toolkit_tolerance import CannotTranslate

_VARIABLE = re.compile(r"\$\{([^{}]+)\}")
FALLBACK_SECONDS = 60.0
_MOST_SECONDS = 1e9


def fault_call(activity: Mapping[str, Any]) -> tuple[str, str, dict[str, Any]] | None:
    """Return verb, fault and parameters of an action that calls `opsctl chaos fault`."""
    import json

    provider = activity.get("provider")
    if not isinstance(provider, dict) or provider.get("type") != "process":
        return None
    path, arguments = text_of(provider.get("path")), provider.get("arguments")
    words = arguments.split() if isinstance(arguments, str) else [str(each) for each in items_of(arguments)]
    if path.rpartition("/")[2] != "opsctl" or tuple(words[:2]) != FAULT_COMMAND or len(words) < 4:
        return None
    if words[-2:-1] == ["--for"]:  # the lease; a drill takes it from its own step
        words = words[:-2]
    given: Any = {}
    if words[4:5] == ["--with"]:
        try:
            given = json.loads(" ".join(words[5:]))
        except (ValueError, RecursionError):
            return None
    return (words[2], words[3], given) if words[2] in ("apply", "undo") and isinstance(given, dict) else None


def step_of(parts: list[dict[str, Any]], seconds: float) -> dict[str, Any]:
    """Return the step of a book for faults that are there together."""
    if len(parts) == 1:
        return {**parts[0], "lasts": seconds_text(seconds)}
    return {"together": parts, "lasts": seconds_text(seconds)}


def own_part(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of our own book an export has kept; nothing where it is not ours."""
    for extension in maps_of(body.get("extensions")):
        if extension.get("name") == EXTENSION and isinstance(extension.get("drill"), dict):
            return dict(extension["drill"])
    return {}


def variables_of(body: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables of the configuration that have a value."""
    configuration = body.get("configuration")
    if not isinstance(configuration, dict):
        return {}
    return {
        str(name): str(value) for name, value in configuration.items() if isinstance(value, str | int | float)
    }


def substituted(text: str, variables: Mapping[str, str]) -> str:
    """Return a text with its variables filled in; refuses one with an unknown one."""
    unknown = [name for name in _VARIABLE.findall(text) if name.strip() not in variables]
    if unknown:
        raise CannotTranslate(f"nobody knows `{unknown[0]}` before it is run")
    return _VARIABLE.sub(lambda found: variables[found[1].strip()], text)


def pauses_of(activity: Mapping[str, Any]) -> tuple[float, float]:
    """Return the seconds before and after an activity."""
    pauses = activity.get("pauses")
    values = [pauses.get(name) for name in ("before", "after")] if isinstance(pauses, dict) else [0, 0]
    before, after = (positive(value) for value in values)
    return before, after


def positive(value: Any) -> float:
    """Return a number above zero that a time can be; else zero."""
    is_time = isinstance(value, int | float) and 0 < value < _MOST_SECONDS
    return float(value) if is_time else 0.0


def items_of(value: Any) -> list[Any]:
    """Return a list; an empty one for anything else."""
    return value if isinstance(value, list) else []


def maps_of(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the mappings of a list."""
    yield from (each for each in items_of(value) if isinstance(each, dict))


def text_of(value: Any) -> str:
    """Return a text without blanks around it; an empty one for anything else."""
    return value.strip() if isinstance(value, str) else ""


def slug_of(tag: str) -> str:
    """Return a tag as books write one."""
    return re.sub(r"[^a-z0-9-]+", "-", tag.lower()).lstrip("-0123456789")[:31].rstrip("-")


def seconds_text(seconds: float) -> str:
    """Return seconds as books write them."""
    return f"{seconds:.3f}".rstrip("0").rstrip(".") + "s"
