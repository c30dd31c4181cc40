"""`opsctl docs build`: the site of the checkout, built strictly and checked, with its evidence."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.cli.command import run_opsctl

from opsctl.cli.documenting import subject_of

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.xdist_group("docs")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Build the site of this checkout once, from a project elsewhere."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "opsctl.yaml").write_text("")
    outcome = run_opsctl("docs", "build", "--out", "site", "--json", folder=folder)
    assert outcome.exit_code == 0, outcome.stdout + outcome.stderr
    return folder, json.loads(outcome.stdout)


def test_the_site_is_built_without_a_single_complaint(built):
    """Links, anchors, navigation, commands, rendered pages, and nothing from elsewhere."""
    folder, document = built

    assert (document["schema"], document["ok"], document["findings"]) == ("opsctl.docs.build/v1", True, [])
    assert document["data"]["pages"] == len(list((ROOT / "docs").rglob("*.md")))
    assert document["data"]["links"] > 1000
    assert document["data"]["commands"] > 500
    assert set(document["data"]["rendered"].values()) == {"same"}
    assert (folder / "site" / "runbooks" / "high_error_rate.html").is_file()
    assert not list(folder.glob(".opsctl-site-*"))


def test_the_evidence_says_what_was_counted(built):
    """Kind, subject, verdict, figures, and the digest of the pages."""
    folder, document = built
    (record,) = json.loads(run_opsctl("evidence", "list", "--json", folder=folder).stdout)["data"]

    assert (record["kind"], record["subject"], record["verdict"]) == ("docs.build", "docs of opsctl", "pass")
    figures = {name: document["data"][name] for name in ("pages", "links", "commands", "drifted")}
    assert figures.items() <= record["figures"].items()
    assert set(record["inputs"]) == {"pages", "mkdocs.yml"}
    assert "mkdocs" in record["tools"]


def test_only_in_its_own_checkout_it_is_the_documentation_of_the_project(tmp_path):
    """The checklist of another project must not take opsctl's pages for its own."""
    (tmp_path / "same").symlink_to(ROOT)

    assert subject_of(ROOT, project=tmp_path / "same") == "docs"
    assert subject_of(ROOT, project=tmp_path) == "docs of opsctl"


def test_a_site_is_built_over_an_older_one_and_over_nothing_else(built, tmp_path):
    """MkDocs would empty whatever folder it is given."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letters.txt").write_text("dear")

    outcome = run_opsctl("docs", "build", "--out", "home", folder=tmp_path)

    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert "DOC007" in outcome.stderr
    assert (tmp_path / "home" / "letters.txt").read_text() == "dear"


def test_outside_a_checkout_it_says_so(tmp_path):
    """An installed package has no pages; nothing is made."""
    package = tmp_path / "packages"
    shutil.copytree(ROOT / "src" / "opsctl", package / "opsctl", ignore=shutil.ignore_patterns("__pycache__"))

    outcome = _run("docs", "build", folder=tmp_path, path=package)

    assert (outcome.returncode, outcome.stdout) == (3, "")
    assert "error[DOC002]" in outcome.stderr
    assert "make setup" in outcome.stderr


def test_without_mkdocs_it_says_how_to_get_it(tmp_path):
    """Exit 3, and the command."""
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as util\nreal = util.find_spec\n"
        "util.find_spec = lambda name, *rest: None if name == 'mkdocs' else real(name, *rest)\n"
    )

    outcome = _run("docs", "build", folder=tmp_path, path=ROOT / "src", before=tmp_path)

    assert (outcome.returncode, outcome.stdout) == (3, "")
    assert "error[DOC001]" in outcome.stderr
    assert "pip install --group docs" in outcome.stderr


def _run(
    *words: str, folder: Path, path: Path, before: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    found = os.pathsep.join(str(each) for each in (before, path) if each is not None)
    return subprocess.run(
        [sys.executable, "-m", "opsctl", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": found, "NO_COLOR": "1", "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
