"""Losses made for real, on a stack of our own, and what recovery from them costs."""
