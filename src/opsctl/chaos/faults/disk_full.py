"""No file of the service can grow any more: writes end with an error, as on a full disk. Logs and caches give way, answers go on.

Made by a limit of the size of files (RLIMIT_FSIZE), so no disk of this machine is filled.
"""

from opsctl.chaos.ground import Ground

CODE = "FLT053"
TITLE = "no file of the service can grow"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.limit("bytes")


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.unlimit("bytes")
