"""What do the codes EXP140-EXP159 mean."""

EXPLANATIONS: dict[str, str] = {}
