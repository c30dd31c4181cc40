"""Which of the kept runs of drills is meant: the one that is named, or the newest?"""

from pathlib import Path

from opsctl.core.errors import UsageError

_MOST_NAMES = 5


def kept_runs(folder: Path) -> list[Path]:
    """Return the journals of a folder; their names are the moments when they began, so the newest is the last."""
    return sorted(folder.glob("*.json"))


def chosen_run(folder: Path, run_id: str | None, *, code: str, none_yet: str, begin: str) -> Path:
    """Return the journal of a run, the newest without a name.

    Args:
        folder: in which the journals are.
        run_id: the name of the run.
        code: of the error.
        none_yet: what to say where nothing was held.
        begin: the command that holds some.

    Raises:
        UsageError: there is none.
    """
    known = kept_runs(folder)
    wanted = [path for path in known if run_id is None or path.stem == run_id]
    if not wanted:
        names = ", ".join(f"`{path.stem}`" for path in known[-_MOST_NAMES:])
        raise UsageError(
            f"there is no run `{run_id}`" if run_id else none_yet,
            code=code,
            fix=f"one of: {names}" if names else f"hold one: {begin}",
        )
    return wanted[-1]
