"""Where are the templates and starter books: in the checkout, or carried along in the installed package."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def root() -> Path:
    """Return the folder that holds `templates/` and `ops/`.

    A checkout wins over the copies inside the package, so that an edited template is never shadowed by a
    stale one.
    """
    checkout = _PACKAGE.parents[1]
    return checkout if (checkout / "pyproject.toml").is_file() else _PACKAGE / "_bundled"


def templates() -> Path:
    """Return the folder of Jinja2 templates and starter books."""
    return root() / "templates"


def loads() -> Path:
    """Return the folder of the shipped loads, with example scenarios for Locust."""
    return root() / "ops" / "loads"


def drills() -> Path:
    """Return the folder of the shipped drills."""
    return root() / "ops" / "drills"


def experiments() -> Path:
    """Return the folder of the shipped experiments."""
    return root() / "ops" / "experiments"


def watching() -> dict[str, Path]:
    """Return the folders of the shipped alert books, dashboards, runbooks, drills, recoveries and experiments, by where a project keeps them."""
    folders = (
        "alerts",
        "dashboards",
        "docs/runbooks",
        "ops/drills",
        "ops/recoveries",
        "ops/experiments",
        "ops/training",
    )
    return {name: root() / name for name in folders}


def schemas() -> Path:
    """Return the folder of the JSON Schemas that ship inside the package."""
    return _PACKAGE / "schemas"
