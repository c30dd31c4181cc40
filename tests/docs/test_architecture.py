"""What ARCHITECTURE.md draws is what there is: the packages, their layers, and a contract without exceptions."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "src" / "opsctl"
# Typed markers and schemas are files that come along; `__main__` is the command itself.
NO_LAYER = {"schemas", "__init__", "__main__"}
CONTRACT = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]


def packages() -> set[str]:
    """Return what lies below `opsctl`: packages and modules."""
    found = {path.parent.name for path in SOURCES.glob("*/*.py")} | {
        path.stem for path in SOURCES.glob("*.py")
    }
    return found - NO_LAYER


def layers() -> list[set[str]]:
    """Return the layers of the contract, the highest first."""
    rows = CONTRACT["contracts"][0]["layers"]
    return [{name.strip().removeprefix("opsctl.") for name in row.split("|")} for row in rows]


def drawn() -> list[str]:
    """Return the packages of the picture, from top to bottom and left to right."""
    picture = re.search(r"┌─+┐\n(.*?)└─+┘", (ROOT / "ARCHITECTURE.md").read_text(), re.DOTALL)
    assert picture is not None
    words = re.findall(r"│ ?([a-z_]+)(?= *│| \(|  )", picture[1])
    return [word for word in words if word != "domains"]


def imported(path: Path) -> Iterator[str]:
    """Yield the modules that a file imports, also within functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            assert node.module is not None
            yield node.module


def test_the_picture_names_every_package_once():
    """None that is gone, none that has come."""
    assert sorted(drawn()) == sorted(packages())


def test_the_contract_names_every_package_once():
    """One that stands in no layer could import what it likes."""
    assert sorted(name for layer in layers() for name in layer) == sorted(packages())


def test_the_picture_has_the_order_of_the_contract():
    """No package is drawn below one of a lower layer."""
    heights = {name: height for height, layer in enumerate(layers()) for name in layer}

    found = [heights[name] for name in drawn()]

    assert found == sorted(found)


def test_the_contract_has_no_exceptions():
    """One contract, of layers, in which no import is let pass."""
    assert [set(each) for each in CONTRACT["contracts"]] == [{"name", "type", "layers"}]
    assert set(CONTRACT) == {"root_package", "contracts"}


def test_the_core_imports_the_standard_library_only():
    """So that everything may import it."""
    outside = {
        f"{path.name}: {name}"
        for path in (SOURCES / "core").glob("*.py")
        for name in imported(path)
        if name.partition(".")[0] not in sys.stdlib_module_names and not name.startswith("opsctl.core")
    }

    assert outside == set()


def test_every_file_that_the_pages_of_the_architecture_name_is_there():
    """Paths in backticks, below `opsctl` or one of its packages."""
    text = (ROOT / "ARCHITECTURE.md").read_text()
    named = set(re.findall(r"`((?:[a-z_0-9]+/)+[a-z_0-9]+\.py)`", text))

    there = [str(path) for path in SOURCES.rglob("*.py")]
    gone = {name for name in named if not any(path.endswith(f"/{name}") for path in there)}

    assert named
    assert gone == set()
