"""What do other people's checkers say of files in a folder of ours: schemas that are installed, programs that are there?"""

import shutil
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from opsctl.clients.programs import run_program
from opsctl.clients.watch_tools import tool_version

_SECONDS = 60.0


def has_program(name: str) -> bool:
    """Tell whether a program is on the path."""
    return shutil.which(name) is not None


def version_of(program: str) -> str:
    """Return the version of promtool or amtool."""
    return tool_version(program)


def has_compose() -> bool:
    """Tell whether docker is here with its compose; no daemon is asked."""
    return has_program("docker") and not _run(("docker", "compose", "version"), folder=Path("/"))


def has_schemas() -> bool:
    """Tell whether check-jsonschema is installed, which brings the schemas of compose files and of workflows along."""
    return find_spec("check_jsonschema") is not None


def has_kubernetes_schemas() -> bool:
    """Tell whether kubernetes-validate is installed, which brings Kubernetes's own schemas along."""
    return find_spec("kubernetes_validate") is not None


def check_program(*words: str, folder: Path) -> tuple[str, ...]:
    """Return what a program has against files; nothing where it is content.

    Raises:
        NotReadyError: PRC001 it cannot be started, PRC004 it does not end.
    """
    return _run(words, folder=folder)


def check_schema(file: str, *, schema: str, folder: Path) -> tuple[str, ...]:
    """Return what a schema that check-jsonschema carries has against a file; nothing is fetched."""
    words = (sys.executable, "-m", "check_jsonschema", "--no-cache", "--builtin-schema", schema, file)
    return _run(words, folder=folder)


def check_manifest(manifest: object, *, version: str) -> tuple[str, ...]:
    """Return what Kubernetes's schemas of a version have against one manifest; a key that they do not know is wrong, too."""
    import kubernetes_validate

    if not isinstance(manifest, dict):
        return ("it is no mapping",)
    try:
        kubernetes_validate.validate(manifest, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        place = ".".join(str(part) for part in error.path)
        return (f"{place or 'the manifest'}: {error.message}",)
    except kubernetes_validate.SchemaNotFoundError as error:
        return (f"Kubernetes {version} has no `{error.kind}` of `{error.api_version}`",)
    return ()


def newest_kubernetes() -> str:
    """Return the newest version of Kubernetes whose schemas are here, such as `1.37`."""
    import kubernetes_validate

    return ".".join(kubernetes_validate.latest_version().split(".")[:2])


def _run(words: Sequence[str], *, folder: Path) -> tuple[str, ...]:
    done = run_program(words, seconds=_SECONDS, folder=folder, joins_outputs=True)
    if done.code == 0:
        return ()
    said = [line for line in done.plain_stdout.splitlines() if line.strip()]
    return tuple(said) or (f"it ended with {done.code} and said nothing",)
