"""`opsctl dr drill --profile ci`: the losses with a tag, as `chaos run` has it for drills."""

import json
from pathlib import Path

import pytest
from tests.cli.command import Outcome, run_opsctl


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a new project."""
    folder = tmp_path_factory.mktemp("shop")
    run_opsctl("init", folder=folder)
    return folder


def drill(*words: str, folder: Path) -> Outcome:
    """Say what would be drilled."""
    return run_opsctl("dr", "drill", *words, "--dry-run", "--json", folder=folder)


def test_a_profile_is_the_losses_with_its_tag(project: Path):
    """The starter's `ci` has one of each kind of way back: from a backup, and without any."""
    planned = json.loads(drill("--profile", "ci", folder=project).stdout)["data"]

    assert [each["scenario"] for each in planned] == ["alias_lost", "both_lost"]


def test_a_tag_that_no_loss_has_is_refused(project: Path):
    """With the line to write; a job that drills nothing must not be green."""
    refused = drill("--profile", "nightly", folder=project)

    assert refused.exit_code == 2
    assert "no loss has the tag `nightly`" in refused.stdout + refused.stderr
    assert "tags: [nightly]" in refused.stdout + refused.stderr


@pytest.mark.parametrize(
    "words", [["both_lost", "--profile", "ci"], ["--all", "--profile", "ci"], ["both_lost", "--all"]]
)
def test_losses_are_chosen_in_one_way(project: Path, words: list[str]):
    """Two would leave open which holds."""
    assert drill(*words, folder=project).exit_code == 2
