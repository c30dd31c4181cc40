"""What the checklist's book refuses, and that the shipped one is whole."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError
from tests.checklist.making import book, book_of

from opsctl.checklist.book import ChecklistBook, Group
from opsctl.checklist.kinds import KNOWN_INPUTS
from opsctl.cli.checklist_present import READERS
from opsctl.config.load import load_book

ROOT = Path(__file__).parents[2]
LOAD: dict[str, Any] = {"kind": "bench.load", "subject": "a"}


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({}, "nothing checks it"),
        ({"all": [LOAD | {"figure": "p99"}]}, "needs one bound"),
        ({"all": [LOAD | {"figure": "p99", "below": 1, "above": 0}]}, "needs one bound"),
        ({"all": [LOAD | {"below": 1}]}, "a bound of nothing"),
        ({"all": [LOAD | {"verdict": "any"}]}, "met by a failure"),
        ({"all": [LOAD | {"subjects": ["b"]}]}, "write one of them"),
        ({"all": [{"kind": "bench.load", "subjects": ["b", "b"]}]}, "stands twice"),
        ({"all": [LOAD | {"inputs": ["plan"]}]}, "cannot be told; inputs that can: `book`"),
        ({"all": [LOAD | {"refresh": "load"}]}, "there is no command `load`"),
        ({"all": [LOAD | {"figure": "p99", "below": float("nan")}]}, "finite"),
        ({"all": [LOAD | {"unchanged": [":/secret"]}]}, "pattern"),
        ({"sign": {"roles": ["boss"]}}, "0 of the people with an account can give one"),
        ({"sign": {"roles": ["operations"], "signatures": 2}}, "wants 2 signatures"),
    ],
)
def test_an_item_that_could_never_be_judged_is_refused(item: dict[str, Any], said: str):
    """Before anybody relies on it."""
    with pytest.raises(ValidationError, match=said):
        book_of(**item)


def test_names_of_items_are_their_own():
    """Commands name items by them."""
    item = {"name": "a", "title": "A", "why": "w", "all": [LOAD]}

    with pytest.raises(ValidationError, match="which CHK001 has already"):
        book(items={"CHK001": item, "CHK002": item})


@pytest.mark.parametrize(
    ("commands", "said"),
    [
        ({"a": {"run": ["x"], "after": ["b"]}, "b": {"run": ["x"], "after": ["a"]}}, "wait for each other"),
        ({"a": {"run": ["x"], "after": ["c"]}}, "there is no command `c`"),
        ({"a": {"run": ["checklist", "run", "--refresh"]}}, "would never end"),
        ({"a": {"run": []}}, "at least 1"),
    ],
)
def test_commands_that_cannot_be_ordered_are_refused(commands: dict[str, Any], said: str):
    """A circle would wait for ever."""
    items = {"CHK001": {"name": "a", "title": "A", "why": "w", "all": [LOAD]}}

    with pytest.raises(ValidationError, match=said):
        book(items=items, commands=commands)


def test_a_waiver_for_ever_is_refused():
    """90 days at most, whatever the book says."""
    with pytest.raises(ValidationError, match="90d at most"):
        book_of(all=[LOAD]).model_validate(
            {"items": book_of(all=[LOAD]).model_dump(mode="json")["items"], "waivers": {"longest": "91d"}}
        )


def test_every_input_that_a_book_may_name_can_be_told():
    """The table of the domain and the functions that work the digests out are of the same inputs."""
    assert {(kind, name) for kind, names in KNOWN_INPUTS.items() for name in names} == set(READERS)


def test_the_shipped_book_has_what_the_brief_asks_for():
    """Ten items before production and eleven metrics, in order; every machine-made evidence has a command that makes it."""
    shipped = load_book(ROOT / "ops" / "checklist.yaml", ChecklistBook)

    groups = [item.group for item in shipped.items.values()]
    assert groups == [Group.READINESS] * 10 + [Group.METRICS] * 11
    assert list(shipped.items) == [f"CHK{number:03d}" for number in range(1, 22)]
    without = {
        query.kind for item in shipped.items.values() for query in item.queries if query.refresh is None
    }
    assert without == {"training.exercise"}
    assert set(shipped.routines) == {"daily", "weekly", "monthly"}


_PEOPLE_OR_DATA = {"costs.estimate", "experiments.analyze", "readers.measure", "training.exercise"}
"""What hangs on books, data and people, and not on a file of the code that measures."""


def test_what_the_code_decides_is_bound_to_the_code():
    """A proof of a commit long gone is stale, also within its age; a path that is not there would bind to nothing."""
    shipped = load_book(ROOT / "ops" / "checklist.yaml", ChecklistBook)
    queries = [query for item in shipped.items.values() for query in item.queries]

    paths = {path for query in queries for path in query.unchanged}
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []
    unbound = {query.kind for query in queries if not (query.unchanged or query.same_commit)}
    # Rules, panels and their tests are in the digests of their inputs.
    assert unbound <= _PEOPLE_OR_DATA | {"alerts.test", "dashboards.probe"}
    assert {
        query.kind for query in queries if not (query.inputs or query.unchanged or query.same_commit)
    } == {"training.exercise"}


def test_the_starter_book_is_the_shipped_one():
    """But for where its schema lies, and for the pages: ours are built, those of others are for people to read."""
    shipped = yaml.safe_load((ROOT / "ops" / "checklist.yaml").read_text())
    starter = yaml.safe_load((ROOT / "templates/project/ops/checklist.yaml").read_text())

    assert starter["items"].pop("CHK006")["sign"] == {"roles": ["operations", "lead"], "same_commit": False}
    assert shipped["items"].pop("CHK006")["all"][0]["kind"] == "docs.build"
    del shipped["commands"]["docs"]
    assert starter == shipped
