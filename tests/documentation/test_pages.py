"""Which commands a page tells people to type."""

import doctest

import pytest

from opsctl.core import shell_calls
from opsctl.documentation import navigation, openapi_page, openapi_types, pages, site
from opsctl.documentation.pages import commands_of


@pytest.mark.parametrize("module", [shell_calls, navigation, openapi_page, openapi_types, pages, site])
def test_the_examples_in_docstrings_hold(module):
    """They are what people read first."""
    assert doctest.testmod(module).failed == 0


def found(text: str) -> list[tuple[int, str, bool]]:
    """Return the commands of a page."""
    return [(each.line, each.text, each.is_typed) for each in commands_of(text)]


def test_in_a_session_only_what_is_behind_the_prompt_is_typed():
    """Output may begin with the name of the program, too; a line that goes on does so without a prompt."""
    page = "```console\n$ opsctl dr restore \\\n    --dry-run\nopsctl says much\n$ cd x && opsctl init   # opsctl, first\n```\n"

    assert found(page) == [(2, "opsctl dr restore --dry-run", True), (5, "opsctl init", True)]


def test_a_session_without_any_prompt_is_a_list_of_commands():
    """As in the generated reference."""
    assert found("```console\nopsctl stack up\nopsctl status\n```\n") == [
        (2, "opsctl stack up", True),
        (3, "opsctl status", True),
    ]


def test_pipes_substitutions_and_options_for_the_root_are_seen_through():
    """What stands in `$(...)` is a call of its own."""
    page = "```sh\nKEY=$(opsctl security keys create --name me)\nopsctl evidence list --json | head\n```\n"

    assert [text for _, text, _ in found(page)] == [
        "opsctl security keys create --name me",
        "opsctl evidence list --json",
    ]


def test_code_within_a_sentence_counts_unless_it_is_a_form():
    """Capitals, alternatives and dots stand for something else; other blocks are no shell."""
    page = "Ask `opsctl status`, or `opsctl dr list|verify`, `opsctl explain CODE`, `opsctl ...`.\n```yaml\n- opsctl x\n```\n"

    assert found(page) == [(1, "opsctl status", False)]


def test_a_block_that_nobody_closes_ends_with_the_page():
    """Nothing of it is lost."""
    assert found("```sh\nopsctl status\n") == [(2, "opsctl status", True)]
