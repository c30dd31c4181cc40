"""Would this command line be taken: held against the real command tree, without running anything of it."""

from typing import Any

_HELP = ("-h", "--help")
_ROOT_OPTIONS_WITH_VALUE = ("-C", "--project", "--color")


def why_not(words: list[str]) -> str | None:
    """Return why arguments of `opsctl` do not parse; None where they do.

    >>> why_not(["stack", "status"])
    >>> why_not(["stack", "statos"])
    'there is no `opsctl stack statos`'
    """
    import typer

    from opsctl.cli.app import app

    command: Any = typer.main.get_command(app)
    rest, path = _without_root_options(list(words)), ["opsctl"]
    while hasattr(command, "commands"):
        if not rest or rest[0] in _HELP:
            return None if rest or path == ["opsctl"] else f"`{' '.join(path)}` needs a verb"
        path.append(rest.pop(0))
        command = command.commands.get(path[-1])
        if command is None:
            return f"there is no `{' '.join(path)}`"
    return None if any(each in _HELP for each in rest) else _arguments(command, rest)


def _without_root_options(words: list[str]) -> list[str]:
    while words and words[0].startswith("-") and words[0] not in _HELP:
        words = words[2:] if words[0] in _ROOT_OPTIONS_WITH_VALUE else words[1:]
    return words


def _arguments(command: Any, rest: list[str]) -> str | None:
    """Parse what stands behind the verb with the library's own parser; no callback is called and no value converted."""
    context = command.context_class(command)
    try:
        values, left, _ = command.make_parser(context).parse_args(rest)
    except Exception as error:
        # The library keeps its exceptions to itself; those that it means for people have this method.
        if not hasattr(error, "format_message"):
            raise
        return str(error.format_message())
    missing = [each.name for each in command.params if each.required and not values.get(each.name)]
    if missing:
        return f"`{missing[0]}` is missing"
    return f"`{left[0]}` is one argument too many" if left else None
