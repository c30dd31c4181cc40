"""A rule that no load test of its syntax finds wrong fails each time it is evaluated: many series match many."""

from opsctl.chaos.ground import Ground

CODE = "FLT019"
TITLE = "a rule cannot be evaluated"

_RULE = """
- name: drill
  rules:
  - record: drill:broken:rule
    expr: prometheus_build_info * on (no_such_label) prometheus_http_requests_total
"""


def apply(ground: Ground) -> None:
    """Make it."""
    ground.edit("rules", lambda text: text + _RULE)


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.unedit("rules")
