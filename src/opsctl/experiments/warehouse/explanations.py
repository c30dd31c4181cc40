"""What do the codes EXP050-EXP079 mean."""

EXPLANATIONS: dict[str, str] = {}
