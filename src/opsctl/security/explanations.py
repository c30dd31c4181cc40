"""What the checks of `opsctl security audit` look at, and what its errors mean."""

from opsctl.security.registry import CHECKS

EXPLANATIONS = {check.code: check.explanation for check in CHECKS} | {
    "SEC091": """The book of waivers names a check that does not exist.

Such a line would cover nothing, and whoever wrote it would believe that it does. `opsctl security audit --list` shows all
codes.""",
    "SEC092": """`opsctl security audit --only` was given a code of no check; nothing was looked at.""",
    "SEC093": """A package of the extra `opsctl[security]` is not installed, so the check that needs it could not tell.""",
    "SEC094": """pip-audit gave no report, mostly because no database of vulnerabilities can be reached from here.""",
}
