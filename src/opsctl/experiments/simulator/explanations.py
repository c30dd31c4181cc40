"""What do the codes EXP120-EXP139 mean."""

EXPLANATIONS: dict[str, str] = {}
