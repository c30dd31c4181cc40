"""Resilience: what the service does while something it depends on is slow, wrong or gone."""
