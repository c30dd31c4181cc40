"""Nobody is told to install a stranger's package: the name `opsctl` on the package index is somebody else's."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# `pip install 'opsctl[local]'` is good where opsctl is there already; whoever has not got it yet gets what the index has.
_BY_NAME = re.compile(r"pip (?:install|wheel|download)\b[^\n`]*[ '\"]opsctl(?:==|[ '\"`]|$)")
_EXTRA_BY_NAME = re.compile(r"pip install [^\n`]*\bopsctl\[")
_OF_SOMEBODY_WHO_HAS_IT = {"docs/install.md", "docs/commands.md"}


def told() -> list[Path]:
    """Return the pages and templates that tell people or machines what to install."""
    names = ["*.md", "*.sh", "*.j2", "*.yml", "*.yaml", "Makefile"]
    listed = subprocess.run(["git", "ls-files", *names], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.split()]


def test_no_page_installs_opsctl_by_its_bare_name():
    """Nor at a version of it, which the stranger's package may have as well."""
    found = [
        f"{page.relative_to(ROOT)}: {line.strip()}"
        for page in told()
        for line in page.read_text().splitlines()
        if _BY_NAME.search(line) and "never `pip install opsctl`" not in line
    ]

    assert found == []


def test_no_page_for_a_new_machine_installs_an_extra_by_name():
    """Only who has opsctl can add an extra to it so; pages lead to the one that tells how it comes there."""
    found = [
        f"{page.relative_to(ROOT)}: {line.strip()}"
        for page in told()
        if str(page.relative_to(ROOT)) not in _OF_SOMEBODY_WHO_HAS_IT
        for line in page.read_text().splitlines()
        if _EXTRA_BY_NAME.search(line)
    ]

    assert found == []


@pytest.mark.parametrize(
    "line", ["pip install opsctl", "RUN pip install 'opsctl==0.1.0'", "pip wheel -w d opsctl==1"]
)
def test_a_bare_name_would_be_found(line):
    """The rule can fail."""
    assert _BY_NAME.search(line)


def test_the_page_tells_every_extra():
    """One row for each extra of pyproject.toml, and none for what is none."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    page = (ROOT / "docs" / "install.md").read_text()

    assert set(re.findall(r"^\| `(\w+)` \|", page, flags=re.MULTILINE)) == set(extras)
