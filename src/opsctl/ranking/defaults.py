"""How does a ranking choose where nobody says otherwise? Standard library only: books are read without numpy."""

EXPLORATION_SHARE = 0.1
"""Part of the positions that the chosen arm fills."""
PROPENSITY_FLOOR = 0.02
"""Least probability of each arm."""
DIVERSITY = 0.15
"""1 - lambda of MMR; it was 0.3 until an experiment and its replication: docs/experiments/less_diversity_again.md."""
