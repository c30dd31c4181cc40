"""Which commands of opsctl does a step call, with which arguments?"""

from collections.abc import Iterator

from opsctl.core.shell_calls import calls_of
from opsctl.runbooks.model import Step


def opsctl_calls(step: Step) -> Iterator[tuple[int, list[str]]]:
    """Yield the arguments of each call of opsctl, with its line; pipes, `&&` and `;` end a call."""
    yield from ((step.line + offset, call) for offset, call in calls_of("opsctl", step.command))
