"""What the checks of `opsctl doctor` look at."""

from opsctl.project.doctor import CHECKS

EXPLANATIONS = {check.code: check.explanation for check in CHECKS}
