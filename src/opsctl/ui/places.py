"""How is a path written for somebody who stands in this folder: short enough to read, good enough to open."""

from pathlib import Path


def from_here(place: str) -> str:
    """Return a place below the current folder without what leads to it; other text as it is."""
    try:
        here = Path.cwd()
    except FileNotFoundError:  # somebody removed the folder that we stand in
        return place
    return place.removeprefix(f"{here}/")
