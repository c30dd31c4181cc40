"""A folder for PYTHONPATH that makes an interpreter, and all that it starts, see what `pip install opsctl` alone would bring.

What would be there is read from the metadata of what is installed: opsctl's own requirements without extras, and theirs.
All other packages are invisible, as if they were not installed: to `import` and to `find_spec` alike.
"""

import json
import re
import shutil
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

_ROOT = Path(__file__).parents[2]
# What the tests themselves hang on the interpreter they start.
_OURS = {"opsctl", "tests"}

_SITE = """
import json, sys
from importlib.machinery import PathFinder
from pathlib import Path

_HIDDEN = frozenset(json.loads(Path(__file__).with_name("hidden.json").read_text()))

class _WithoutExtras(PathFinder):
    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        hidden = path is None and fullname in _HIDDEN
        return None if hidden else super().find_spec(fullname, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = _WithoutExtras
"""


def make_minimal(folder: Path) -> Path:
    """Write the folder and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "hidden.json").write_text(json.dumps(sorted(hidden_modules())), encoding="utf-8")
    (folder / "sitecustomize.py").write_text(_SITE, encoding="utf-8")
    return folder


def make_installed(folder: Path) -> Path:
    """Lay opsctl out as its wheel does, without the checkout beside it, and return the folder to import it from."""
    package = folder / "opsctl"
    shutil.copytree(
        _ROOT / "src" / "opsctl", package
    )  # with what is compiled: the times of the files are kept
    for source, target in force_included().items():
        (folder / target).parent.mkdir(parents=True, exist_ok=True)
        (folder / target).symlink_to(_ROOT / source)
    return folder


def force_included() -> dict[str, str]:
    """Return what the wheel carries along from the top level, and where to."""
    document = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel: dict[str, str] = document["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    return wheel


def hidden_modules() -> set[str]:
    """Return the top-level modules that are installed here and that a minimal install would not have."""
    brought = _closure("opsctl")
    return {
        module
        for module, distributions in metadata.packages_distributions().items()
        if module not in _OURS and not {_normal(each) for each in distributions} & brought
    }


def _closure(name: str) -> set[str]:
    found: set[str] = set()
    waiting = [(name, "")]
    seen = set()
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        distribution, extra = current
        found.add(_normal(distribution))
        try:
            requirements = metadata.requires(distribution) or []
        except metadata.PackageNotFoundError:  # for another platform or Python
            continue
        for text in requirements:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                waiting += [(requirement.name, each) for each in ("", *requirement.extras)]
    return found


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
