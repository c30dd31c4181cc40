"""Slack's address leads nowhere, and an alert is to be sent there."""

import re

from opsctl.chaos.ground import Ground

CODE = "FLT020"
TITLE = "one receiver does not answer"

# The discard port: nothing listens there, so every connection is refused at once.
_NOWHERE = "http://127.0.0.1:9/"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.edit("alertmanager", _without_slack)
    ground.post_alert({"alertname": "drill_of_receiver", "severity": "warning", "service": "drill"})


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.unedit("alertmanager")


def _without_slack(text: str) -> str:
    return re.sub(r"(api_url: ?)\S+", rf'\g<1>"{_NOWHERE}"', text)
