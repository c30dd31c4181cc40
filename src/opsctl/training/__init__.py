"""Exercises for new operators: what they should bring about, and whether they have."""
