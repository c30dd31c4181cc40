"""Which commands make evidence, what has to run before them, and how long may each take?"""

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import Field

from opsctl.config.model import StrictModel
from opsctl.config.quantities import PositiveDuration

CommandName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
Word = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00]+$")]


class Command(StrictModel):
    """One command of opsctl."""

    run: Annotated[tuple[Word, ...], Field(min_length=1, max_length=50)]
    """Its words, without `opsctl`, such as `[bench, load, standard]`."""
    after: Annotated[tuple[CommandName, ...], Field(max_length=20)] = ()
    """Commands that must have run well before; one that did not keeps this from being run."""
    local: bool = False
    """It makes up data, so it is run only where the embedded stack is used, never against servers that are named."""
    limit: PositiveDuration = "15m"
    """It is ended after this time."""
    usual: PositiveDuration | None = None
    """How long it takes on a machine that has not run it yet; afterwards its own times are known."""


Commands = Annotated[dict[CommandName, Command], Field(max_length=200)]


def problem_of_commands(commands: Mapping[str, Command]) -> Iterator[str]:
    """Yield what is wrong with the order: unknown names, and commands that wait for each other."""
    for name, command in commands.items():
        for before in command.after:
            if before not in commands:
                yield f"`commands.{name}.after`: there is no command `{before}`"
        if command.run[0] == "checklist" and "routine" not in command.run:
            yield f"`commands.{name}.run`: a checklist that runs itself would never end"
    if any(before not in commands for command in commands.values() for before in command.after):
        return
    if circle := _circle(commands):
        yield f"`commands`: these wait for each other: {' after '.join(f'`{name}`' for name in circle)}"


def _circle(commands: Mapping[str, Command]) -> tuple[str, ...]:
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> tuple[str, ...]:
        if name in way:
            return (*way[way.index(name) :], name)
        if name in done:
            return ()
        for before in commands[name].after:
            if found := visit(before, (*way, name)):
                return found
        done.add(name)
        return ()

    for name in commands:
        if found := visit(name, ()):
            return found
    return ()
