"""A configuration with a mistake is rolled out; Alertmanager goes on with the old one."""

from opsctl.chaos.ground import Ground

CODE = "FLT018"
TITLE = "Alertmanager is given a configuration that it refuses"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.edit("alertmanager", lambda text: text + "\nno_such_setting: true\n")


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.unedit("alertmanager")
