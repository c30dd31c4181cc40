"""Which value holds, and who said so: flag over environment over project file over user file over default."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from opsctl.clients.files import read_text
from opsctl.config.load import is_missing, load_book
from opsctl.config.project import ProjectSettings
from opsctl.core.errors import UsageError

PROJECT_FILE = "opsctl.yaml"
ENVIRONMENT_PREFIX = "OPSCTL_"

# Variables that opsctl reads on its own account; they are no settings of the project file.
_OTHER_VARIABLES = {"OPSCTL_VERBOSE", "OPSCTL_PROJECT", "OPSCTL_COLOR", "OPSCTL_ENVIRONMENT", "OPSCTL_OWNER"}
SECRET_VARIABLES = {
    "OPSCTL_QDRANT_API_KEY",
    "OPSCTL_DATABASE_PASSWORD",
    "OPSCTL_EMBEDDING_API_KEY",
    "OPSCTL_MODEL_API_KEY",
    "OPSCTL_REDIS_PASSWORD",
    "OPSCTL_CLOUDFLARE_TOKEN",
    "OPSCTL_SUPABASE_KEY",
    "OPSCTL_LOAD_KEY",
    "OPSCTL_SENTRY_DSN",
    "OPSCTL_BACKUP_IDENTITY",
    "OPSCTL_BACKUP_ACCESS_KEY",
    "OPSCTL_BACKUP_SECRET_KEY",
    "OPSCTL_BACKUP_OFFSITE_ACCESS_KEY",
    "OPSCTL_BACKUP_OFFSITE_SECRET_KEY",
}

SECRET_FILE_VARIABLES = {f"{name}_FILE" for name in SECRET_VARIABLES}
"""Each of them may name a file instead: containers are given secrets as files, and an environment is easily shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One value with its dotted name and the place that decided it."""

    name: str
    value: Any
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings that hold for a command, with the origin of each."""

    root: Path
    project: ProjectSettings
    origins: Mapping[str, str]

    @property
    def home(self) -> Path:
        """Return the folder of evidence, runs, logs and the embedded stack."""
        return self.root / self.project.state_dir

    def rows(self) -> list[Setting]:
        """Return every setting with its origin, by name."""
        values = flatten(self.project.model_dump())
        return [
            Setting(name=name, value=value, origin=self.origins.get(name, "default"))
            for name, value in sorted(values.items())
        ]


def find_root(start: Path) -> Path:
    """Return the nearest folder upward that holds `opsctl.yaml`, else `start` itself."""
    for folder in (start, *start.parents):
        if not is_missing(folder / PROJECT_FILE):
            return folder
    return start


def user_file(environment: Mapping[str, str]) -> Path:
    """Return where the user's own settings file would be."""
    base = environment.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "opsctl" / PROJECT_FILE


def resolve_settings(
    *, root: Path, environment: Mapping[str, str], user_file: Path | None, flags: Mapping[str, Any]
) -> Settings:
    """Merge the sources, the weakest first, and check the result.

    Args:
        root: the project folder.
        environment: the process environment; `OPSCTL_QDRANT_URL` sets `qdrant.url`.
        user_file: the user's own settings file, or None.
        flags: dotted names with values given on the command line.

    Raises:
        UsageError: when any source is wrong, with the place or the variable.
    """
    merged: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for path in (user_file, root / PROJECT_FILE):
        if path is not None and not is_missing(path):
            load_book(path, ProjectSettings)  # says everything that is wrong, with places
            _merge(merged, origins, flatten(yaml.safe_load(read_text(path)) or {}), origin=str(path))
    _merge_environment(merged, origins, environment)
    _merge(merged, origins, dict(flags), origin="flag")
    project = _validated(merged, origins)
    _check_state_dir(root / project.state_dir, origin=origins.get("state_dir", "default"))
    return Settings(root=root, project=project, origins=origins)


def secret(*, variable: str, file: str | None, root: Path, environment: Mapping[str, str]) -> str | None:
    """Return a secret from its variable, its file, or the file that `VARIABLE_FILE` names; None where none is set.

    Raises:
        UsageError: when the file is named but is not there, or is empty.
    """
    if environment.get(variable):
        return environment[variable]
    file = file or environment.get(f"{variable}_FILE") or None
    if file is None:
        return None
    found = read_text(root / file).strip()
    if not found:
        raise UsageError(
            f"the secret file `{root / file}` is empty",
            code="CFG006",
            fix=f"write the secret into it, mode 600, or set {variable}",
        )
    return found


def with_secret_files(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with the secrets that it has as `NAME_FILE`; one that stands there itself wins.

    Raises:
        UsageError: a file is not there, or is empty.
    """
    there = [
        name for name in SECRET_VARIABLES if environment.get(f"{name}_FILE") and not environment.get(name)
    ]
    found = {
        name: secret(variable=name, file=environment[f"{name}_FILE"], root=Path(), environment={})
        for name in sorted(there)
    }
    return {**environment, **{name: value for name, value in found.items() if value is not None}}


def masked(value: Any) -> Any:
    """Return a value fit for showing: a password inside an address becomes stars.

    >>> masked("postgresql://me:secret@host/db")
    'postgresql://me:***@host/db'
    """
    return re.sub(r"(://[^:/@\s]*:)[^@\s]*@", r"\1***@", value) if isinstance(value, str) else value


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested maps as dotted names.

    >>> flatten({"qdrant": {"url": "x"}, "state_dir": "y"})
    {'qdrant.url': 'x', 'state_dir': 'y'}
    """
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _merge(
    merged: dict[str, Any], origins: dict[str, str], values: Mapping[str, Any], *, origin: str
) -> None:
    for name, value in values.items():
        merged[name] = value
        origins[name] = origin


def _merge_environment(
    merged: dict[str, Any], origins: dict[str, str], environment: Mapping[str, str]
) -> None:
    names = {_variable(name): name for name in flatten(ProjectSettings().model_dump())}
    for variable in sorted(environment):
        if not variable.startswith(ENVIRONMENT_PREFIX) or variable in _OTHER_VARIABLES | SECRET_VARIABLES:
            continue
        if variable in SECRET_FILE_VARIABLES and variable not in names:
            continue
        if not environment[variable]:  # `OPSCTL_QDRANT_URL=` is how a shell or a CI job says "not set"
            continue
        if variable not in names:
            close = difflib.get_close_matches(variable, [*names, *SECRET_VARIABLES], n=1)
            hint = f"did you mean `{close[0]}`?" if close else "see `opsctl config show`"
            raise UsageError(f"unknown environment variable `{variable}`", code="CFG004", fix=hint)
        _merge(merged, origins, {names[variable]: environment[variable]}, origin=variable)


def _variable(name: str) -> str:
    return ENVIRONMENT_PREFIX + name.replace(".", "_").upper()


def _check_state_dir(home: Path, *, origin: str) -> None:
    """Refuse a state folder that is a file, or lies below one: nothing could ever be found or written there."""
    nearest = next(path for path in (home, *home.parents) if path.exists())
    if not nearest.is_dir():
        raise UsageError(
            f"setting `state_dir` is `{home}`, but `{nearest}` is not a folder",
            code="CFG003",
            why=f"it was set by {origin}",
            fix="name a folder; it is made when it is needed",
        )


def _message(detail: Mapping[str, Any]) -> str:
    """Return what pydantic says, its first letter small, names in it as they are."""
    own = detail.get("ctx", {}).get("error")
    message = str(own) if isinstance(own, ValueError) else str(detail["msg"])
    return message[:1].lower() + message[1:]


def _validated(merged: Mapping[str, Any], origins: Mapping[str, str]) -> ProjectSettings:
    nested: dict[str, Any] = {}
    for name, value in merged.items():
        *parents, last = name.split(".")
        target = nested
        for parent in parents:
            target = target.setdefault(parent, {})
        target[last] = value
    try:
        return ProjectSettings.model_validate(nested)
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in detail["loc"])
        raise UsageError(
            f"setting `{name}` is `{masked(detail['input'])}`: {_message(detail)}",
            code="CFG003",
            why=f"it was set by {origins.get(name, 'default')}",
            fix="run `opsctl config show` to see every value and its origin",
        ) from error
