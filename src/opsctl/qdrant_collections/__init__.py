"""Derived collections: plan, rebuild, verify, swap, roll back, collect garbage, repair."""
