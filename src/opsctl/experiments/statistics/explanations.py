"""What do the codes EXP080-EXP099 mean."""

EXPLANATIONS: dict[str, str] = {}
