"""A project of the first version: its books, its ledger and the state of its stack still load, or say how to go on.

`first_project` holds what the first `init` that knew each book wrote, from the history of the repository; its ledger was
written by the first version's code. `first_keys.json` holds the keys of the first JSON Schema of each book.
"""

import json
import os
import shutil
from pathlib import Path

import pytest
from pydantic import BaseModel
from tests.cli.command import run_opsctl

from opsctl.cli.wiring import book_models
from opsctl.config.model import StrictModel
from opsctl.stack.model import PartName
from opsctl.stack.record import read_stack_record

_HERE = Path(__file__).parent
_FIRST_KEYS: dict[str, list[str]] = json.loads((_HERE / "first_keys.json").read_text(encoding="utf-8"))
# What the messages below tell to do.
_MIGRATIONS = {
    "ops/experiments/four_or_six_agents.yaml": ("  study: four_or_six_agents\n", ""),
    "alerts/delivery.yaml": ('"saturday:sunday"', "saturday, sunday"),
}


@pytest.fixture
def first(tmp_path):
    """A project as the first version left it."""
    folder = tmp_path / "first"
    shutil.copytree(_HERE / "first_project", folder)
    (folder / ".opsctl").mkdir()
    shutil.move(folder / "evidence", folder / ".opsctl" / "evidence")
    return folder


def _migrate(folder, *names):
    for name in names:
        old, new = _MIGRATIONS[name]
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new), encoding="utf-8")


def test_a_key_that_is_gone_says_what_to_write_instead(first):
    """An unknown key alone would leave the reader to guess where it went."""
    outcome = run_opsctl("config", "check", folder=first)

    assert outcome.exit_code == 2
    assert "`study` is a key of an earlier version" in outcome.stderr
    assert "four_or_six_agents.yaml:84:3" in outcome.stderr
    assert "hint: remove the line" in outcome.stderr


def test_a_value_that_is_refused_now_says_how_to_write_it(first):
    """Alertmanager never took a week-end written so; the first version did not look."""
    outcome = run_opsctl("alerts", "lint", folder=first)

    assert outcome.exit_code == 2
    assert "alerts/delivery.yaml:44:36" in outcome.stderr
    assert "name the days one by one" in outcome.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "exit_code"),
    [
        ("config check", 0),
        ("alerts render", 0),
        ("costs estimate", 5),
        ("checklist run", 5),
        ("deploy render --only image --only kubernetes --only worker", 0),
    ],
)
def test_all_first_books_load_once_that_is_done(command, exit_code, first):
    """Everything else is read as it was written, by the commands that use it.

    The list and the estimate end with 5: nothing was measured yet.
    """
    _migrate(first, *_MIGRATIONS)

    outcome = run_opsctl(*command.split(), folder=first)

    assert outcome.exit_code == exit_code, outcome.stdout + outcome.stderr
    assert "error[" not in outcome.stderr


_OLD_AMTOOL = """#!/bin/sh
if [ "$1" = --version ]; then echo "amtool, version 0.25.0 (branch: HEAD)"; exit; fi
echo "line 92: field url_file not found in type config.plain"
exit 1
"""


def _with_amtool(folder, text):
    """Put a stand-in before what is installed, so that every machine sees the same version."""
    folder.mkdir()
    (folder / "amtool").write_text(text, encoding="utf-8")
    (folder / "amtool").chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


@pytest.mark.slow
def test_an_amtool_older_than_a_key_of_the_first_book_is_named_and_is_no_verdict(first, tmp_path):
    """`url_file` came with 0.26: an older program knows nothing of it, and the file may be right."""
    _migrate(first, *_MIGRATIONS)
    path = _with_amtool(tmp_path / "old", _OLD_AMTOOL)

    rendered = run_opsctl("deploy", "render", "--only", "compose", folder=first, environment=path)
    linted = run_opsctl("deploy", "lint", "--only", "compose", folder=first, environment=path)

    said = "amtool 0.25.0 does not know `url_file`, which Alertmanager has since 0.26: install Alertmanager 0.26 or newer"
    assert (rendered.exit_code, linted.exit_code) == (0, 5)
    assert said in rendered.stdout
    assert said in linted.stdout
    assert "refused" not in rendered.stdout


def test_a_new_amtool_that_refuses_the_first_book_is_a_verdict(first, tmp_path):
    """Else every refusal would be put down to age."""
    _migrate(first, *_MIGRATIONS)
    path = _with_amtool(tmp_path / "new", _OLD_AMTOOL.replace("0.25.0", "0.26.0"))

    rendered = run_opsctl("deploy", "render", "--only", "compose", folder=first, environment=path)

    assert rendered.exit_code == 1
    assert "refused by amtool check-config" in rendered.stdout


def test_no_key_of_a_first_schema_is_gone_without_a_word():
    """Whoever takes a key out of a book's model writes down in `retired` what stands in its place."""
    gone = {
        name: missing
        for name, first_keys in _FIRST_KEYS.items()
        if (missing := set(first_keys) - _known(book_models()[name]))
    }

    assert gone == {}


def _known(model: type[BaseModel]) -> set[str]:
    """Return every key of a book, wherever it stands, and those that it knows to be retired."""
    keys = _properties(model.model_json_schema())
    for each in _strict_models(model):
        keys |= set(each.retired)
    return keys


def _properties(node) -> set[str]:
    if isinstance(node, list):
        return {key for each in node for key in _properties(each)}
    if not isinstance(node, dict):
        return set()
    own = set(node["properties"]) if isinstance(node.get("properties"), dict) else set()
    return own | {key for each in node.values() for key in _properties(each)}


def _strict_models(model: type[BaseModel]) -> list[type[StrictModel]]:
    names = {model.__name__, *model.model_json_schema().get("$defs", {})}
    waiting, found = [StrictModel], []
    while waiting:
        children = waiting.pop().__subclasses__()
        waiting += children
        found += [each for each in children if each.__name__ in names]
    return found


def test_the_first_ledger_is_whole_and_counts(first):
    """Evidence outlives the version that wrote it: the same fields, the same chain of digests."""
    verified = run_opsctl("evidence", "verify", folder=first)
    listed = run_opsctl("evidence", "list", "--json", folder=first)

    assert verified.exit_code == 0, verified.stderr
    assert "2 records, the chain is whole" in verified.stdout
    subjects = {each["subject"] for each in json.loads(listed.stdout)["data"]}
    assert subjects == {"au_photographers_quality", "au_photographers_recent"}


def test_the_first_record_of_a_stack_finds_its_parts(tmp_path):
    """Its data would be left behind, and a second database made, if the old name of the list were not read."""
    place = {"port": 5544, "data_dir": "/data", "programs_dir": None, "account": None}
    document = {
        "schema": "opsctl.stack.record/v1",
        "home": str(tmp_path),
        "borrowed": False,
        "services": {"postgres": place, "vectors": place},
    }
    (tmp_path / "stack").mkdir()
    (tmp_path / "stack" / "state.json").write_text(json.dumps(document), encoding="utf-8")

    assert set(read_stack_record(tmp_path).places) == {PartName.POSTGRES, PartName.VECTORS}
