"""Would this command line be taken, and would it change something: asked of the real command tree, nothing is run."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

_HELP = ("-h", "--help")
_ROOT_OPTIONS_WITH_VALUE = ("-C", "--project", "--color")
_SAFE = ("-n", "--dry-run", "--check", *_HELP)
# They have no `--dry-run`, since nothing of theirs could be planned.
_CHANGING = (("security", "keys", "create"), ("security", "keys", "revoke"))


def why_not(words: list[str]) -> str | None:
    """Return why arguments of `opsctl` do not parse; None where they do.

    >>> why_not(["stack", "status"])
    >>> why_not(["stack", "statos"])
    'there is no `opsctl stack statos`'
    >>> why_not(["stack", "logs", "--lines", "many"])
    "Invalid value for '--lines' / '-l': 'many' is not a valid int range."
    """
    found = _find(words)
    if isinstance(found, str):
        return found
    command, rest = found
    if command is None or any(each in _HELP for each in rest):
        return None
    return _arguments(command, rest)


def is_changing(words: list[str]) -> bool:
    """Tell whether a command changes something: it has `--dry-run` or `--yes`, and was not told to only look.

    >>> is_changing(["stack", "up", "vectors"]), is_changing(["stack", "up", "-n"]), is_changing(["stack", "status"])
    (True, False, False)
    """
    found = _find(words)
    if isinstance(found, str) or found[0] is None or any(each in _SAFE for each in words):
        return False
    options = {option for parameter in found[0].params for option in parameter.opts}
    path = tuple(word for word in _without_root_options(list(words)) if not word.startswith("-"))
    return bool(options & {"--dry-run", "--yes"}) or path[:3] in _CHANGING


def path_and_arguments(words: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the command that is meant, and what stands behind it that is no option; nothing where it does not parse.

    >>> path_and_arguments(["chaos", "run", "vectors_down", "--html", "drill.html"])
    (('chaos', 'run'), ('vectors_down',))
    """
    found = _find(words)
    if isinstance(found, str) or found[0] is None or _arguments(*found) is not None:
        return (), ()
    command, rest = found
    bare = _without_root_options(list(words))
    path = tuple(bare[: len(bare) - len(rest)])
    values, _, _ = command.make_parser(command.context_class(command)).parse_args(list(rest))
    given = (values.get(each.name) for each in command.params if each.param_type_name == "argument")
    return path, tuple(_flat(given))


def _flat(given: Iterable[Any]) -> Iterator[str]:
    for each in given:
        if isinstance(each, str):
            yield each
        elif isinstance(each, list | tuple):
            yield from (word for word in each if isinstance(word, str))


@cache
def _tree() -> Any:
    import typer

    from opsctl.cli.app import app

    return typer.main.get_command(app)


def _find(words: list[str]) -> "str | tuple[Any, list[str]]":
    """Return the command that is meant, and what stands behind it; None for a page of help; a text for what is wrong."""
    command: Any = _tree()
    rest, path = _without_root_options(list(words)), ["opsctl"]
    while hasattr(command, "commands"):
        if getattr(command, "invoke_without_command", False) and (not rest or rest[0].startswith("-")):
            return command, rest
        if not rest or rest[0] in _HELP:
            return (None, rest) if rest or path == ["opsctl"] else f"`{' '.join(path)}` needs a verb"
        path.append(rest.pop(0))
        command = command.commands.get(path[-1])
        if command is None:
            return f"there is no `{' '.join(path)}`"
    return command, rest


def _without_root_options(words: list[str]) -> list[str]:
    while words and words[0].startswith("-") and words[0] not in _HELP:
        words = words[2:] if words[0] in _ROOT_OPTIONS_WITH_VALUE else words[1:]
    return words


def _arguments(command: Any, rest: list[str]) -> str | None:
    """Parse what stands behind the verb with the library's own parser; no callback is called."""
    context = command.context_class(command)
    try:
        values, left, _ = command.make_parser(context).parse_args(list(rest))  # it empties its list
        _convert(command, values, context)
    except Exception as error:
        # The library keeps its exceptions to itself; those that it means for people have this method.
        if not hasattr(error, "format_message"):
            raise
        return str(error.format_message())
    missing = [each.name for each in command.params if each.required and not values.get(each.name)]
    if missing:
        return f"`{missing[0]}` is missing"
    return f"`{left[0]}` is one argument too many" if left else None


def _convert(command: Any, values: Mapping[str, Any], context: Any) -> None:
    """Hold values that were written against their types: a choice, a number; not against files, which come and go."""
    for parameter in command.params:
        value = values.get(parameter.name)
        is_written = isinstance(value, str) or (
            isinstance(value, list | tuple) and value and all(isinstance(each, str) for each in value)
        )
        if is_written and not hasattr(parameter.type, "file_okay"):
            parameter.type_cast_value(context, value)
