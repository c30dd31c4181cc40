"""What do the codes EXP100-EXP119 mean."""

EXPLANATIONS: dict[str, str] = {}
