"""Whoever types a command of our pages is understood: verbs, options, arguments, and the books that are named."""

from pathlib import Path

import pytest
import yaml
from tests.cli.command import run_opsctl

from opsctl.cli.documented import check_commands
from opsctl.cli.documenting import pages_of
from opsctl.cli.explain import all_explanations, shipped_explanations
from opsctl.cli.wiring import change_project

ROOT = Path(__file__).parents[2]


def test_every_command_of_every_page_would_be_taken():
    """A table of page, line and what is wrong, where one would not."""
    look = check_commands(pages_of(ROOT), root=ROOT)

    table = "\n".join(f"{each.location}  {each.title}" for each in look.findings)
    assert not look.findings, f"\npage:line  what is wrong\n{table}"
    assert look.commands > 500


@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        ("opsctl stack statos", "there is no `opsctl stack statos`"),
        ("opsctl stack up --fast", "No such option"),
        ("opsctl stack", "needs a verb"),
        ("opsctl experiments analyze", "`name` is missing"),
        ("opsctl status now", "one argument too many"),
        ("opsctl bench load quik", "there is no load `quik`"),
        ("opsctl experiments analyze nothing", "there is no experiment `nothing`"),
        ("opsctl chaos run vectors_dwn", "there is no drill `vectors_dwn`"),
        ("opsctl chaos fault apply vectors_dwn", "there is no fault `vectors_dwn`"),
        ("opsctl dr drill all_lost", "there is no loss `all_lost`"),
        ("opsctl collections verify some", "there is no collection `some`"),
        ("opsctl alerts prove no_such", "there is no alert `no_such`"),
        ("opsctl runbooks show no_such", "there is no runbook `no_such`"),
        ("opsctl explain ABC999", "there is no code `ABC999`"),
        ("opsctl config schema novel", "there is no book `novel`"),
    ],
)
def test_a_wrong_command_is_found(tmp_path: Path, command: str, wrong: str):
    """With its page and line, and what is wrong with it."""
    page = tmp_path / "page.md"

    (finding,) = check_commands({page: f"# Title\n\n```console\n$ {command}\n```\n"}, root=tmp_path).findings

    assert str(finding.location) == "page.md:4"
    assert f"`{command}`" in finding.title
    assert wrong in finding.title


@pytest.mark.parametrize(
    "command",
    [
        "opsctl bench",
        "opsctl -C .. bench",
        "opsctl experiments start NAME --confirm NAME",
        "opsctl explain cfg004",
    ],
)
def test_a_right_command_is_left_alone(tmp_path: Path, command: str):
    """Also one whose noun does something by itself, and one with a name to be put in."""
    look = check_commands({tmp_path / "page.md": f"```sh\n{command}\n```\n"}, root=tmp_path)

    assert (look.commands, look.findings) == (1, ())


def test_items_of_the_checklist_are_those_that_we_ship(tmp_path: Path):
    """Whatever project somebody chose before, in the same process."""
    run_opsctl("init", folder=tmp_path)
    book = tmp_path / "ops" / "checklist.yaml"
    items = yaml.safe_load(book.read_text())
    del items["items"]["CHK013"]
    book.write_text(yaml.safe_dump(items))
    change_project(tmp_path)

    try:
        assert "CHK013" not in all_explanations()
        assert "CHK013" in shipped_explanations()
    finally:
        change_project(ROOT)


def test_a_page_may_name_the_book_that_it_shows(tmp_path: Path):
    """As a guide does whose example nobody ships."""
    page = "```yaml\n# ops/experiments/own.yaml\n```\n```console\n$ opsctl experiments plan own\n```\n"

    assert check_commands({tmp_path / "page.md": page}, root=tmp_path).findings == ()
