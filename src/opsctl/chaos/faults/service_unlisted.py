"""The service is missing from the targets of Prometheus, as after a mistake in service discovery."""

from opsctl.chaos.ground import Ground

CODE = "FLT016"
TITLE = "Prometheus does not look at the service any more"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.edit("prometheus", lambda text: text.replace("job_name: service", "job_name: elsewhere"))


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.unedit("prometheus")
