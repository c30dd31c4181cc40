"""What the codes of runbooks mean."""

from opsctl.runbooks.lint.run import explanations

EXPLANATIONS = explanations() | {
    "RBK090": """There is no runbook of this name, or it has no such step.

`opsctl runbooks list` shows all; `opsctl runbooks show NAME` its steps with their numbers.""",
    "RBK091": """A step changes something, and nobody could be asked: there is no terminal, and `--yes` was not given.

`--dry-run` shows the command without running it.""",
}
