"""Faults that are made on purpose, each with its undo, on ground that is ours to break."""
