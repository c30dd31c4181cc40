"""`pip install opsctl` without extras: each command works, or names the extra to install; none ends in a traceback."""

import re
import tomllib
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from tests.cli.command import WarmProcess, run_in
from tests.cli.test_help import commands
from tests.packaging.minimal_install import force_included, hidden_modules, make_installed, make_minimal

from opsctl import assets
from opsctl.cli.command_tree import why_not
from opsctl.core.extras import EXTRAS_OF_MODULE, missing_extra

_ROOT = Path(__file__).parents[2]
# What comes behind the verb, where it asks for something; what no `--dry-run` keeps from reaching outside is named here, too.
_ARGUMENTS: dict[str, tuple[str, ...]] = {
    "config schema": ("collections",),
    "catalog import": ("items.csv", "--mapping", "nyc_listings"),
    "collections rollback": ("items_dense", "--yes"),
    "bench load": ("quick",),
    "bench compare": ("first", "second"),
    "bench baseline set": ("main", "latest"),
    "bench baseline rm": ("main",),
    "bench show": ("latest",),
    "breakers isolate": ("vectors", "--owner", "me"),
    "breakers force-closed": ("vectors", "--owner", "me"),
    "breakers release": ("vectors",),
    "cache invalidate": ("--all",),
    "metrics export": ("--once",),
    "metrics export-business": ("--once",),
    "alerts test": ("no_such_alert",),  # all of them take minutes where promtool is there
    "alerts prove": ("--dry-run",),
    "runbooks show": ("vectors_unreachable",),
    "runbooks run": ("vectors_unreachable",),
    "chaos run": ("vectors_down", "--dry-run"),
    "chaos teeth": ("--dry-run",),
    "chaos import": ("drill.json",),
    "chaos export": ("vectors_down",),
    "chaos fault apply": ("vectors_down",),
    "chaos fault undo": ("vectors_down",),
    "dr key": ("--to", "keys"),
    "dr restore": ("--into", "restored"),
    "dr load": ("latest",),
    "dr drill": ("--dry-run",),
    "experiments analyze": ("beta_or_epinet",),
    "experiments assign": ("beta_or_epinet", "reader"),
    "experiments replay": ("history.jsonl",),
    "experiments start": ("beta_or_epinet",),
    "experiments stop": ("beta_or_epinet", "--why", "done"),
    "experiments ramp": ("beta_or_epinet", "0.5"),
    "experiments export": ("history",),
    "learned rollback": ("policy", "--to", "1"),
    "security keys create": ("--name", "me"),
    "security keys rotate": ("abcdefgh",),
    "security keys revoke": ("abcdefgh",),
    "security audit": ("--only", "SEC001"),
    "checklist sign": ("CHK020", "--as", "me"),
    "checklist waive": ("CHK020", "--as", "me", "--reason", "none", "--expires", "2026-12-31"),
    "checklist routine": ("daily",),
    "artefacts put": ("file.txt",),
    "artefacts get": ("file.txt",),
    "training start": ("reading_status", "--as", "me"),
    "training check": ("reading_status", "--as", "me"),
    "evidence show": ("latest",),
}
# What only reads and writes files needs no engine, no server and no statistics; 5 where nobody has measured a figure yet.
_WORKING = frozenset(
    (
        "explain",
        "config check",
        "config show",
        "alerts render",
        "alerts lint",
        "costs estimate",
        "report build",
    )
)
_NEEDING = {
    "stack up": "local",
    "experiments certify": "experiments",
    "experiments readers": "experiments",
    "breakers list": "service",
    "bench load": "local",
    "collections rebuild": "local",
    "metrics export": "local",
    "dashboards render": "grafana",
    "dr key": "backup",
}
# `training` names pages that are only in the repository as such.
_OF_THE_CHECKOUT = frozenset({"docs"})
_COMMANDS = [" ".join(path) for path, _ in commands()]
# One verb of each of these nouns stands for the others by default: all begin by borrowing the stack, and end there.
_BORROWING = ("catalog", "collections", "security keys", "dr", "chaos fault")
_STANDING_FOR_THEM = {"catalog import", "collections rebuild", "security keys create", "dr key", "dr backup"}
_MARKED = [
    pytest.param(
        command,
        marks=[pytest.mark.drill]
        if command.startswith(_BORROWING) and command not in _STANDING_FOR_THEM
        else [],
    )
    for command in _COMMANDS
]


@pytest.fixture(scope="module")
def minimal(tmp_path_factory):
    """A started interpreter that has opsctl as a wheel installs it, and sees neither the checkout nor an extra."""
    folder = make_minimal(tmp_path_factory.mktemp("minimal"))
    installed = make_installed(tmp_path_factory.mktemp("installed"))
    process = WarmProcess(before_on_path=(folder, installed))
    yield process, {"PYTHONPATH": f"{folder}:{installed}"}
    process.close()


@pytest.fixture(scope="module")
def project(minimal, tmp_path_factory):
    """A new project, which the same installation has written."""
    folder = tmp_path_factory.mktemp("project")
    outcome = _run(minimal, folder, "init")
    assert outcome.exit_code == 0
    return folder


def _run(minimal, folder, *words):
    process, environment = minimal
    environment |= {"OPSCTL_SERVICE_URL": "http://127.0.0.1:9"}
    return run_in(process, *words, folder=folder, environment=environment, timeout_seconds=60)


def test_the_packages_of_the_extras_are_out_of_sight():
    """Else this file would test the full installation and pass."""
    assert {"qdrant_edge", "fastapi", "scipy", "lmdb", "pyarrow", "zstandard"} <= hidden_modules()
    assert not {"numpy", "qdrant_client", "psycopg", "pydantic", "typer", "httpx"} & hidden_modules()


@pytest.mark.parametrize("command", _MARKED)
def test_a_command_without_extras_works_or_says_what_to_install(command, minimal, project):
    """A missing package is no defect of ours: exit code 70 and tracebacks are."""
    outcome = _run(minimal, project, *_words(command))

    said = outcome.stdout + outcome.stderr
    assert 0 <= outcome.exit_code < 70, said
    assert "Traceback" not in said
    if "No module named" in said or "not installed" in outcome.stderr:
        assert re.search(r"pip install |apt-get install|install it", said), said
    if command in _WORKING:
        assert outcome.exit_code in {0, 5}, outcome.stderr
    if command in _NEEDING:
        assert outcome.exit_code == 3
        assert f"pip install 'opsctl[{_NEEDING[command]}]'" in outcome.stderr


def test_the_words_of_this_file_are_understood():
    """A command that refuses its own arguments would prove nothing about what it needs."""
    assert set(_ARGUMENTS) | set(_WORKING) | set(_NEEDING) <= set(_COMMANDS)
    wrong = {command: why for command in _COMMANDS if (why := why_not(_words(command)))}
    assert wrong == {}


def _words(command):
    return [*command.split(), *_ARGUMENTS.get(command, ())]


def test_everything_that_commands_open_at_the_top_level_is_in_the_wheel():
    """A folder that is only in the checkout is missing for everybody who installs the wheel."""
    included = force_included()
    opened = set(_opened())

    assert {
        "constraints.txt",
        "ops/checklist.yaml",
        "docs/runbooks",
    } <= opened  # it looks where they are opened
    missing = [
        each for each in opened if not any(each == top or each.startswith(f"{top}/") for top in included)
    ]
    assert missing == []
    assert [each for each in included if not (_ROOT / each).exists()] == []
    assert [
        name for name in assets.watching() if not any(f"{name}/".startswith(f"{top}/") for top in included)
    ] == []


def _opened():
    """Yield the paths that stand behind `assets.root()` in the code, as far as they are written there as texts."""
    for path in (_ROOT / "src").rglob("*.py"):
        for found in re.finditer(r"assets\.root\(\)((?: / \"[^\"]+\")+)", path.read_text(encoding="utf-8")):
            opened = "/".join(re.findall(r'"([^"]+)"', found[1]))
            if opened not in _OF_THE_CHECKOUT:
                yield opened


def test_an_installed_opsctl_reads_its_own_books(minimal, project):
    """Else the tests of this file would pass by the checkout that stands beside it."""
    outcome = _run(minimal, project, "docs", "build")

    assert outcome.exit_code == 3
    assert "_bundled" in outcome.stderr


def test_every_package_of_every_extra_has_its_hint():
    """The table of hints and pyproject.toml say the same, in both directions."""
    extras = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "optional-dependencies"
    ]
    declared = {(_module(Requirement(text).name), extra) for extra, texts in extras.items() for text in texts}

    told = set(
        chain.from_iterable(((module, each) for each in where) for module, where in EXTRAS_OF_MODULE.items())
    )
    assert told == declared


def _module(distribution: str) -> str:
    return {"qdrant-edge-py": "qdrant_edge"}.get(distribution, distribution.replace("-", "_"))


def test_a_defect_of_ours_is_not_taken_for_a_missing_extra():
    """A module of opsctl that is gone stays a defect, and is reported as one."""
    assert missing_extra(ModuleNotFoundError("no", name="opsctl.gone")) is None
    assert missing_extra(ModuleNotFoundError("no", name="numpy")) is None
    assert missing_extra(ImportError("cannot import name", name="fastapi")) is None
