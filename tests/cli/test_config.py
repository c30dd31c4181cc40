"""`opsctl config check` says what it has read, and what it has not."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.command import run_opsctl
from tests.scratch_project import init_project


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Make a new project."""
    return init_project(tmp_path / "feed").root


@pytest.mark.slow
def test_what_is_not_there_is_not_called_right(project: Path):
    """A folder under another name, a file with another suffix."""
    (project / "dashboards").rename(project / "boards")
    (project / "alerts" / "more.yml").write_text("rules: [")

    outcome = run_opsctl("config", "check", "--json", folder=project)
    document = json.loads(outcome.stdout)

    assert outcome.exit_code == 0, outcome.stderr
    assert "alerts/ranking.yaml" in document["data"]
    assert not [each for each in document["data"] if each.startswith("dashboards")]
    assert {each["title"] for each in document["findings"]} >= {
        "`dashboards` is not there, so no book of it was read",
        "`alerts/more.yml` is no book: its name ends in `.yml`",
    }


@pytest.mark.slow
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("nowhere")])
@pytest.mark.parametrize("name", ["opsctl.yaml", "ops/cache.yaml", "alerts/ranking.yaml"])
def test_what_stands_in_the_place_of_a_book_is_an_error(
    project: Path, name: str, make: Callable[[Path], None]
):
    """Not the same as no book: its settings would silently be the defaults."""
    (project / name).unlink()
    make(project / name)

    outcome = run_opsctl("config", "check", folder=project, timeout_seconds=30)

    assert outcome.exit_code == 2
    assert f"`FOLDER/{name}` is not a file that can be read" in outcome.stderr


def test_a_book_far_away_is_named_by_its_whole_path(project: Path, tmp_path: Path):
    """`books.alerts` may lead out of the project."""
    (project / "alerts").rename(tmp_path / "alerts")
    (project / "opsctl.yaml").write_text(f"books: {{alerts: {tmp_path}/alerts}}")

    outcome = run_opsctl("-v", "config", "check", folder=project)

    assert outcome.exit_code == 0, outcome.stderr
    assert f"ok  {tmp_path}/alerts/ranking.yaml" in outcome.stdout


@pytest.mark.slow
def test_hidden_files_are_an_editors(project: Path):
    """Emacs locks, macOS twins."""
    (project / "alerts" / ".#ranking.yaml").symlink_to("me@host.1")
    (project / "alerts" / "._ranking.yaml").write_bytes(b"\x00\xff")

    assert run_opsctl("config", "check", folder=project).exit_code == 0
    assert run_opsctl("alerts", "lint", folder=project).exit_code == 0
