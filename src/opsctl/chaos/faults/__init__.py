"""Faults, a file each: `CODE`, `TITLE`, `apply`, `undo`; the docstring is the page of `opsctl explain`."""
