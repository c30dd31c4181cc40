"""Which file is meant by the name of a load: one of the project, else a shipped one, else any file."""

from pathlib import Path

from opsctl.core.errors import UsageError


def path_of(name: str) -> Path:
    """Return the file of a load.

    Raises:
        UsageError: BEN045 there is none of this name.
    """
    from opsctl import assets
    from opsctl.cli import wiring

    settings = wiring.settings()
    own, shipped = settings.root / settings.project.books.loads, assets.loads()
    for path in (own / f"{name}.yaml", Path(name), shipped / f"{name}.yaml"):
        if _is_file(path):
            return path
    known = sorted({path.stem for folder in (own, shipped) for path in folder.glob("*.yaml")})
    raise UsageError(
        f"there is no load `{name}`", code="BEN045", fix=f"one of: {', '.join(known)}; or a file of your own"
    )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # such as a name that is too long for a file, or holds a NUL
        return False
