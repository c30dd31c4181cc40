"""Into which place may something be restored, and who has to confirm it?"""

import os
from pathlib import Path

from opsctl.core.errors import RefusedError

LIVE = "live"
"""The word for `--into` that means this project's own stack."""


def require_confirmed(into: str, confirm: str | None) -> None:
    """Refuse to touch what is there without its name.

    Raises:
        RefusedError: DRC067.
    """
    from opsctl.cli import wiring

    name = wiring.settings().root.name
    if into == LIVE and confirm != name:
        raise RefusedError(
            "this would take the place of the stack that is here",
            code="DRC067",
            why="what it holds is moved aside, and readers get what was restored",
            fix=f"look at the plan with --dry-run, then: opsctl dr restore --into live --confirm {name}",
        )


def require_free(folder: Path) -> None:
    """Require that a folder is empty or not there yet, before anything is fetched.

    Raises:
        RefusedError: DRC068 there is something in it, or it can be no folder: a file, a link in a circle, a name that
            is too long or no UTF-8.
    """
    from opsctl.cli.dr_hand_over import UNFINISHED

    why = "a restore into a folder writes over nothing"
    try:
        str(folder).encode()  # a name that is no UTF-8 could be in no document, nor in a file of settings
        is_free = not any(folder.iterdir())
        is_half = (folder / ".opsctl" / UNFINISHED).is_file()
    except FileNotFoundError:
        return
    except UnicodeEncodeError:
        is_free, is_half, why = False, False, "its name is no UTF-8"
    except OSError as error:
        is_free, is_half, why = False, False, error.strerror or str(error)
    if is_half:
        raise half_restored(folder)
    if not is_free:
        raise RefusedError(
            f"there is something in `{folder}` already, or it cannot be a folder",
            code="DRC068",
            why=why,
            fix="name a folder that is not there yet, or empty",
        )


def half_restored(folder: Path) -> RefusedError:
    """Return the refusal of a folder with half a project in it."""
    return RefusedError(
        f"there is something in `{folder}` already",
        code="DRC068",
        why="a restore that was killed has left it, or one is still at work; it is no project that could be started",
        fix=f"end what runs there with `opsctl --project {folder} stack down`, and remove the folder",
    )


def require_outside(folder: Path, *, repository: str) -> None:
    """Require that a folder does not lie within a repository: a project there would be in the way of its objects.

    Raises:
        RefusedError: DRC068.
    """
    if not repository.startswith("/"):
        return  # a bucket
    # Not `Path.resolve`, which refuses a link in a circle: that is told by who looks whether the folder is free.
    if Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(repository)):
        raise RefusedError(
            f"`{folder}` lies within the repository {repository}",
            code="DRC068",
            why="a project there would be in the way of the backups, and go when somebody clears up",
            fix="name a folder beside it",
        )
