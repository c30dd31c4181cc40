"""Who looks at rendered files, where, and what is written down of it?"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.core.exit_codes import ExitCode

if TYPE_CHECKING:
    from opsctl.core.differences import Difference
    from opsctl.core.events import Listener
    from opsctl.deploy.checking import Looked
    from opsctl.deploy.facts import Part

    PartFiles = Mapping[Part, Mapping[str, str]]


def validated(files: "PartFiles", *, listener: "Listener") -> "tuple[Looked, ...]":
    """Return what the checkers of this machine say of the files: of what is rendered, wherever it is written to."""
    from opsctl.cli import deploying, wiring
    from opsctl.clients import file_checkers
    from opsctl.core.phases import told_phase
    from opsctl.deploy.checking import look_at

    texts = {f"{part}/{path}": text for part, each in files.items() for path, text in each.items()}
    version, looked = deploying.book().kubernetes.version, list["Looked"]()
    with _on_disk(texts) as folder:
        for part in files:
            with told_phase("deploy", f"check {part}", listener=listener, clock=wiring.clock()):
                looked += look_at(
                    texts, parts=(part,), folder=folder, checkers=file_checkers, kubernetes=version
                )
    return tuple(looked)


def written(files: "PartFiles", *, folder: Path, check: bool, dry_run: bool) -> "tuple[Difference, ...]":
    """Bring each part's folder to what is rendered, or only compare; return how they differed.

    Raises:
        RefusedError: FIL007 the folder holds the project, or a part's is somebody else's; nothing was written then.
    """
    from dataclasses import replace

    from opsctl.cli import rendering, wiring

    if not check:
        _require_own(files, folder)
    changes: list[Difference] = []
    for part, texts in files.items():
        place = folder / part
        if check:
            found = rendering.compare(place, texts)
        else:
            found = rendering.render_into(place, texts, settings=wiring.settings(), dry_run=dry_run)
        changes += [replace(each, path=f"{part}/{each.path}") for each in found]
    return tuple(changes)


def _require_own(files: "PartFiles", folder: Path) -> None:
    """Look at every part before the first is written, so that a refusal leaves nothing behind."""
    from opsctl.cli import rendering, wiring
    from opsctl.cli.rendered_folder import look_at

    settings = wiring.settings()
    rendering.require_beside_project(folder, settings)
    for part, texts in files.items():
        rendering.require_own(look_at(folder / part, texts), settings)


def rendered_code(looked: "Sequence[Looked]", *, has_drift: bool) -> ExitCode:
    """Return how a render ends: what nobody here could look at is told, and does not undo what was written."""
    from opsctl.deploy.checking import Answer, verdict

    is_bad = has_drift or verdict(looked) is Answer.REFUSED
    return ExitCode.BAD_VERDICT if is_bad else ExitCode.GOOD


def lint_code(looked: "Sequence[Looked]") -> ExitCode:
    """Return how a lint ends: it has nothing to say but what was found, so not to know is no pass."""
    from opsctl.deploy.checking import Answer, verdict

    codes = {
        Answer.GOOD: ExitCode.GOOD,
        Answer.REFUSED: ExitCode.BAD_VERDICT,
        Answer.UNKNOWN: ExitCode.INCONCLUSIVE,
    }
    return codes[verdict(looked)]


@contextmanager
def _on_disk(texts: Mapping[str, str]) -> Iterator[Path]:
    """Give a folder with the files, for programs that read from a disk, and remove it."""
    from tempfile import TemporaryDirectory

    from opsctl.clients.files import write_atomically

    with TemporaryDirectory(prefix="opsctl-deploy-") as name:
        folder = Path(name)
        for path, text in texts.items():
            write_atomically(folder / path, text)
        yield folder
