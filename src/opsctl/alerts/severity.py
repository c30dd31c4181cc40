"""How soon does somebody have to act."""

from enum import StrEnum


class AlertSeverity(StrEnum):
    """How soon somebody has to act: critical in minutes, warning within the hour, info and none never."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"
    NONE = "none"
