"""Do the files that deploy the service give a container more than it needs?

Looked at: compose files, Kubernetes manifests and Dockerfiles in `deploy/`, where `opsctl deploy render` writes them. Each
container has a fixed image, runs as somebody who is not root, cannot write to its root, has and gains no rights, shares neither
networks, processes nor devices of the machine, nor a folder that gives the machine away, such as Docker's socket (in Kubernetes
no folder and no port at all, and it calls what the runtime's seccomp profile lets it), publishes no port of a database or
a watcher beyond this machine, and has no secret in its environment. A variable counts with its default, and one without, in
the address of a port, as any address. A project without such files could not tell, nor one with a file that is not made as
its language has it.

Mend: render them again, or mend them where they are your own; accept what has to be so in `ops/waivers.yaml`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from opsctl.config.marks import is_bloated
from opsctl.core.findings import Location
from opsctl.security.context import Context
from opsctl.security.deployments.common import Weakness
from opsctl.security.deployments.compose import compose_weaknesses
from opsctl.security.deployments.dockerfile import dockerfile_weaknesses
from opsctl.security.deployments.kubernetes import kubernetes_weaknesses
from opsctl.security.model import (
    Answer,
    CannotTellError,
    SecurityCheck,
    Trouble,
    Weight,
    could_not_tell,
    failed,
    passed,
)
from opsctl.security.project_files import shown, text_of
from opsctl.security.saying import counted

FOLDER = "deploy"


def look(context: Context) -> Answer:
    """Look at every file that describes a container."""
    looked_at, troubles = 0, list[Trouble]()
    for path in sorted((context.root / FOLDER).rglob("*")):
        named = shown(str(path.relative_to(context.root)))
        found = _weaknesses(path, named)
        if found is None:
            continue
        looked_at += 1
        troubles += [
            Trouble(title=each.title, place=f"{named}: {each.about}", location=Location(file=named))
            for each in found
        ]
    if troubles:
        return failed(
            f"{counted(len(troubles), 'weakness', many='weaknesses')} in {counted(looked_at, 'file')}",
            mend="render the files again (opsctl deploy render), or mend them where they are your own",
            troubles=tuple(troubles),
        )
    if not looked_at:
        return could_not_tell(
            f"`{FOLDER}/` holds no compose file, manifest or Dockerfile",
            mend="opsctl deploy render; or waive it (`state: unknown`), and say how the service is run instead",
        )
    return passed(f"{counted(looked_at, 'file')}, no container with more than it needs")


def _weaknesses(path: Path, named: str) -> list[Weakness] | None:
    """Return what is weak in a file; None for one that describes no container."""
    if path.is_dir() or not (path.suffix in (".yaml", ".yml") or "Dockerfile" in path.name):
        return None
    text = text_of(path)
    if text is None:
        raise CannotTellError(f"`{named}` cannot be read", mend=f"look at it: ls -l {named}")
    try:
        return _weaknesses_of(text, is_dockerfile="Dockerfile" in path.name, named=named)
    except (AttributeError, TypeError, ValueError) as error:  # such as a number where a map belongs
        raise CannotTellError(
            f"`{named}` is not made as its language has it, so what it gives a container cannot be told",
            mend="let docker compose config, or kubectl apply --dry-run=client, say where; then mend or remove the file",
        ) from error


def _weaknesses_of(text: str, *, is_dockerfile: bool, named: str) -> list[Weakness] | None:
    if is_dockerfile:
        return list(dockerfile_weaknesses(text))
    documents = [each for each in _documents(text, named) if isinstance(each, dict)]
    if any("services" in each and "apiVersion" not in each for each in documents):
        return [found for each in documents for found in compose_weaknesses(each)]
    if any("apiVersion" in each and "kind" in each for each in documents):
        return [found for each in documents for found in kubernetes_weaknesses(each)]
    return None


def _documents(text: str, named: str) -> Iterator[Any]:
    import yaml

    try:
        if any(is_bloated(node) for node in yaml.compose_all(text, Loader=yaml.SafeLoader)):
            raise CannotTellError(
                f"`{named}` stands for too many values, its aliases resolved", mend="mend or remove the file"
            )
        yield from yaml.safe_load_all(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise CannotTellError(
            f"`{named}` is no YAML: {str(error).splitlines()[0]}", mend="mend or remove the file"
        ) from error


CHECK = SecurityCheck(
    code="SEC011",
    title="containers have no more than they need",
    weight=Weight.HIGH,
    owasp="A02",
    asvs=("V13.2.2", "V13.3.1", "V15.2.3"),
    look=look,
    explanation=__doc__ or "",
)
