"""The service is missing from the targets of Prometheus, as when service discovery finds nothing.

Where its whole job is taken out of the configuration, Prometheus 2.42 goes on with the last values for five minutes, its
look-back, before anything is absent; a drill found that.
"""

import re

from opsctl.chaos.ground import Ground

CODE = "FLT016"
TITLE = "Prometheus does not find the service any more"

_TARGETS = re.compile(r"(job_name: service\n(?:(?!- job_name).*\n)*?\s*- targets: )\[[^\]]*\]")


def apply(ground: Ground) -> None:
    """Make it."""
    ground.edit("prometheus", lambda text: _TARGETS.sub(r"\1[]", text))


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.unedit("prometheus")
