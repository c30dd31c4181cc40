"""What do checkers say of rendered files, without any network: good, refused, or nobody here who could tell?"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Protocol

import yaml

from opsctl.clients.alertmanager_keys import too_old_for
from opsctl.deploy.facts import Part

Files = Mapping[str, str]
"""Rendered texts by path below the folder of the deployment, such as `compose/compose.yaml`."""

_KEPT_LINES = 5
_PACKAGES = {
    "promtool": "apt-get install prometheus",
    "amtool": "apt-get install prometheus-alertmanager",
    "node": "apt-get install nodejs",
}


class Answer(StrEnum):
    """What is known of a file."""

    GOOD = "good"
    REFUSED = "refused"
    UNKNOWN = "could not tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What one checker says of one file or folder.

    Args:
        checker: such as `promtool check rules`.
        subject: what it looked at.
        said: what it has against it, or why it could not look.
    """

    part: Part
    checker: str
    subject: str
    answer: Answer
    said: tuple[str, ...] = ()


class Checkers(Protocol):
    """The checkers of this machine (`clients.file_checkers`)."""

    def has_program(self, name: str) -> bool: ...  # noqa: D102

    def version_of(self, program: str) -> str: ...  # noqa: D102

    def has_compose(self) -> bool: ...  # noqa: D102

    def has_schemas(self) -> bool: ...  # noqa: D102

    def has_kubernetes_schemas(self) -> bool: ...  # noqa: D102

    def newest_kubernetes(self) -> str: ...  # noqa: D102

    def check_program(self, *words: str, folder: Path) -> tuple[str, ...]: ...  # noqa: D102

    def check_schema(self, file: str, *, schema: str, folder: Path) -> tuple[str, ...]: ...  # noqa: D102

    def check_manifest(self, manifest: object, *, version: str) -> tuple[str, ...]: ...  # noqa: D102


def look_at(
    files: Files, *, parts: Sequence[Part], folder: Path, checkers: Checkers, kubernetes: str
) -> tuple[Looked, ...]:
    """Return what every checker says; `folder` holds the same files, for programs that read from a disk."""
    look = _Look(files=files, folder=folder, checkers=checkers, kubernetes=kubernetes)
    return tuple(each for part in parts for each in _OF_PART[part](look))


def verdict(looked: Sequence[Looked]) -> Answer:
    """Return the worst that was said; without any look nobody knows anything."""
    answers = {each.answer for each in looked}
    for worst in (Answer.REFUSED, Answer.UNKNOWN):
        if worst in answers:
            return worst
    return Answer.GOOD if answers else Answer.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    files: Files
    folder: Path
    checkers: Checkers
    kubernetes: str

    def yaml_of(self, part: Part) -> Iterator[Looked]:
        """Look whether each file is YAML at all, of which no key stands twice."""
        for path in self.named(f"{part}/", ".yaml", ".yml"):
            yield _told(part, "yaml", path, _yaml_problems(self.files[path]))

    def named(self, beginning: str, *endings: str) -> tuple[str, ...]:
        return tuple(path for path in self.files if path.startswith(beginning) and path.endswith(endings))

    def by_program(self, part: Part, subject: str, *words: str) -> Looked:
        program, checker = words[0], " ".join(words[: 3 if words[0] == "promtool" else 2])
        if not self.checkers.has_program(program):
            return _unknown(part, checker, subject, f"there is no `{program}` here{_package(program)}")
        return _told(part, checker, subject, self.checkers.check_program(*words, folder=self.folder))

    def by_schema(self, part: Part, subject: str, schema: str) -> Looked:
        checker = f"schema {schema.removeprefix('vendor.')}"
        if not self.checkers.has_schemas():
            return _unknown(
                part, checker, subject, "check-jsonschema is not installed: pip install check-jsonschema"
            )
        return _told(
            part, checker, subject, self.checkers.check_schema(subject, schema=schema, folder=self.folder)
        )


def _package(program: str) -> str:
    """Return what to install for a program, where that is known."""
    package = _PACKAGES.get(program)
    return f": {package}" if package else ""


def _image(look: _Look) -> Iterator[Looked]:
    """Look at nothing but form: a Dockerfile has no checker that works offline and is in a registry."""
    yield _told(
        Part.IMAGE, "from, user", "image/Dockerfile", _dockerfile_problems(look.files["image/Dockerfile"])
    )


def _compose(look: _Look) -> Iterator[Looked]:
    part, main = Part.COMPOSE, "compose/compose.yaml"
    yield from look.yaml_of(part)
    yield look.by_schema(part, main, "vendor.compose-spec")
    if look.checkers.has_compose():
        words = ("docker", "compose", "--file", main, "--profile", "jobs", "config", "--quiet")
        yield _told(
            part, "docker compose config", main, look.checkers.check_program(*words, folder=look.folder)
        )
    else:
        yield _unknown(
            part,
            "docker compose config",
            main,
            "there is no docker with compose here; install it, or lint where it is",
        )
    yield look.by_program(part, "compose/make-secrets.sh", "sh", "-n", "compose/make-secrets.sh")
    yield from _watchers(look, part, "compose/")


def _watchers(look: _Look, part: Part, beginning: str) -> Iterator[Looked]:
    config = f"{beginning}prometheus/prometheus.yml"
    # Its rules and keys are where the container has them, not here.
    yield look.by_program(part, config, "promtool", "check", "config", "--syntax-only", config)
    rules = look.named(f"{beginning}prometheus/rules/", ".yml")
    if rules:
        yield look.by_program(part, f"{beginning}prometheus/rules", "promtool", "check", "rules", *rules)
    routes = f"{beginning}alertmanager/alertmanager.yml"
    yield _unless_too_old(look, look.by_program(part, routes, "amtool", "check-config", routes))


def _unless_too_old(look: _Look, told: Looked) -> Looked:
    """Take no refusal for one by a program that never heard of a key of the file."""
    if told.answer is not Answer.REFUSED:
        return told
    version = look.checkers.version_of("amtool")
    too_old = too_old_for(look.files[told.subject], program="amtool", version=version)
    return _unknown(told.part, told.checker, told.subject, f"{too_old}: {too_old.fix}") if too_old else told


def _kubernetes(look: _Look) -> Iterator[Looked]:
    part = Part.KUBERNETES
    yield from look.yaml_of(part)
    for path in look.named("kubernetes/", ".yaml"):
        if path.endswith("kustomization.yaml"):
            continue
        checker = f"Kubernetes {look.kubernetes}"
        if not look.checkers.has_kubernetes_schemas():
            yield _unknown(
                part, checker, path, "kubernetes-validate is not installed: pip install kubernetes-validate"
            )
        elif _as_numbers(look.kubernetes) > _as_numbers(look.checkers.newest_kubernetes()):
            yield _unknown(
                part,
                checker,
                path,
                f"the newest schemas here are those of {look.checkers.newest_kubernetes()}",
            )
        else:
            yield _told(part, checker, path, _manifest_problems(look, path))


def _qdrant(look: _Look) -> Iterator[Looked]:
    yield from look.yaml_of(Part.QDRANT)


def _worker(look: _Look) -> Iterator[Looked]:
    yield _told(
        Part.WORKER, "toml", "worker/wrangler.toml", _toml_problems(look.files["worker/wrangler.toml"])
    )
    for path in look.named("worker/src/", ".js"):
        yield look.by_program(Part.WORKER, path, "node", "--check", path)


def _ci(look: _Look) -> Iterator[Looked]:
    yield from look.yaml_of(Part.CI)
    for path in look.named("ci/", ".yml"):
        yield look.by_schema(Part.CI, path, "vendor.github-workflows")


_OF_PART: Mapping[Part, Callable[[_Look], Iterator[Looked]]] = {
    Part.IMAGE: _image,
    Part.COMPOSE: _compose,
    Part.KUBERNETES: _kubernetes,
    Part.QDRANT: _qdrant,
    Part.WORKER: _worker,
    Part.CI: _ci,
}


def _manifest_problems(look: _Look, path: str) -> tuple[str, ...]:
    return tuple(
        f"{manifest.get('kind') if isinstance(manifest, dict) else '?'}: {problem}"
        for manifest in yaml.safe_load_all(look.files[path])
        for problem in look.checkers.check_manifest(manifest, version=look.kubernetes)
    )


def _yaml_problems(text: str) -> tuple[str, ...]:
    try:
        for document in yaml.compose_all(text, Loader=yaml.SafeLoader):
            twice = _twice(document)
            if twice:
                return (f"`{twice}` stands twice in one mapping",)
    except yaml.YAMLError as error:
        return tuple(str(error).splitlines())
    return ()


def _twice(node: yaml.Node | None) -> str | None:
    """Return a key that stands twice; the last would win, and nobody would notice."""
    children: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        keys = [str(key.value) for key, _ in node.value]
        double = next((key for key in keys if keys.count(key) > 1), None)
        if double is not None:
            return double
        children = [value for _, value in node.value]
    elif isinstance(node, yaml.SequenceNode):
        children = node.value
    return next(filter(None, map(_twice, children)), None)


def _toml_problems(text: str) -> tuple[str, ...]:
    import tomllib

    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return (str(error),)
    return ()


def _dockerfile_problems(text: str) -> tuple[str, ...]:
    lines = [line.split() for line in text.splitlines() if line and not line.startswith(("#", " "))]
    problems = [f"`{line[1]}` has no tag" for line in lines if line[0] == "FROM" and ":" not in line[1]]
    users = [line[1] for line in lines if line[0] == "USER"]
    if not users or users[-1].partition(":")[0] in {"0", "root"}:
        problems.append("the last stage runs as root")
    return tuple(problems)


def _as_numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _told(part: Part, checker: str, subject: str, problems: Sequence[str]) -> Looked:
    answer = Answer.REFUSED if problems else Answer.GOOD
    return Looked(
        part=part, checker=checker, subject=subject, answer=answer, said=tuple(problems[:_KEPT_LINES])
    )


def _unknown(part: Part, checker: str, subject: str, why: str) -> Looked:
    return Looked(
        part=part, checker=checker, subject=str(PurePosixPath(subject)), answer=Answer.UNKNOWN, said=(why,)
    )
