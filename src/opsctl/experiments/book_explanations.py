"""What do the codes EXP001-EXP049 mean: books, starts, assignment."""

EXPLANATIONS: dict[str, str] = {}
