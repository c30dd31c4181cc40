"""Locust as an engine: scenarios and existing locustfiles, in processes of their own, with planned arrivals and exact tails."""
