"""Checks of dashboards: each a function with a stable code, whose docstring is the page of `opsctl explain`."""
