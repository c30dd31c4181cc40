"""Reading a runbook: what counts as a step, where it stands, and texts that nobody meant to write."""

import doctest

from hypothesis import given
from hypothesis import strategies as st
from tests.runbooks.books import GOOD, runbook

from opsctl.runbooks import model, parse
from opsctl.runbooks.model import Link
from opsctl.runbooks.parse import parse_runbook, segments


def test_the_examples_in_the_docstrings_hold():
    """They are what a reader copies."""
    assert doctest.testmod(parse).failed == 0
    assert doctest.testmod(model).failed == 0


def test_steps_have_number_section_sentence_command_and_line():
    """The line is that of the command, so that an editor opens it there."""
    steps = runbook().steps

    assert [(step.number, step.listed, step.section) for step in steps] == [
        (1, 1, "Diagnosis"),
        (2, 2, "Diagnosis"),
        (3, 3, "Mitigation"),
    ]
    assert steps[1].text == "See the parts."
    assert steps[1].command == "opsctl stack status | head -3"
    assert GOOD.splitlines()[steps[1].line - 1].strip() == steps[1].command
    assert steps[2].changes == "stops the cache"
    assert steps[0].changes is None


def test_a_sentence_over_several_lines_is_heard_whole():
    """And one paragraph only: what stood above it belongs to something else."""
    text = "## Diagnosis\n\nSomething else.\n\n1. See this\n   and that.\n\n   ```sh\n   date\n   ```\n"

    assert runbook(text).steps[0].text == "See this and that."


def test_a_block_of_another_kind_is_no_step():
    """An answer that is shown as an example must not be executed."""
    text = "## Diagnosis\n\n1. It says:\n\n   ```json\n   {}\n   ```\n"

    assert runbook(text).steps == ()
    assert runbook(text).headings[0].has_body


def test_longer_fences_and_tildes_hold_shorter_ones():
    """As CommonMark has it."""
    text = "## Diagnosis\n\n1. Look.\n\n````sh\ncat <<'E'\n```\nE\n````\n\n2. Again.\n\n~~~sh\ndate\n~~~\n"

    assert [step.command for step in runbook(text).steps] == ["cat <<'E'\n```\nE", "date"]


def test_a_block_that_is_never_closed_is_a_flaw_and_goes_to_the_end():
    """Nothing behind it is taken for text."""
    found = runbook("## Diagnosis\n\n```sh\ndate\n## Mitigation\n")

    assert [(flaw.title, flaw.line) for flaw in found.flaws] == [("a fenced block is never closed", 3)]
    assert [heading.text for heading in found.headings] == ["Diagnosis"]


def test_a_block_without_a_language_is_a_flaw():
    """Nobody can know whether it is a command."""
    assert [flaw.line for flaw in runbook("```\ndate\n```\n").flaws] == [1]


def test_links_are_found_with_titles_and_as_references_but_not_in_code():
    """PromQL is full of brackets."""
    text = (
        'See [a](a.md "title"), [b](<b.md>) and `[c](c.md)`.\n\n[d]: d.md\n\n```sh\necho "[e](e.md)"\n```\n'
    )

    assert runbook(text).links == (
        Link(target="a.md", line=1),
        Link(target="b.md", line=1),
        Link(target="d.md", line=3),
    )


def test_headings_of_one_name_have_numbered_anchors():
    """As GitHub makes them."""
    assert [each.anchor for each in runbook("# A b\n## A b\n## A-b\n").headings] == ["a-b", "a-b-1", "a-b-2"]


def test_the_text_below_a_heading_ends_at_the_next():
    """It is what is said at the end of a run."""
    assert runbook().text_of("Over") == "More is found."
    assert runbook().text_of("Impact") == "Feeds take longer."
    assert runbook().text_of("Elsewhere") == ""


def test_variables_are_those_that_come_from_outside():
    """What a command sets itself, and what single quotes keep from the shell, are not."""
    text = "```sh\nfor PART in a b; do KEY=1; curl \"$SERVICE_URL/$PART/${KEY}\" '$QUOTED'; done\n```\n"

    assert runbook(text).steps[0].variables == {"SERVICE_URL"}


@given(st.text(alphabet=st.sampled_from("`~#[]()<>\n \t1.|sh$a\u00e9\u2028"), max_size=200))
def test_any_text_is_read_without_an_error(text):
    """What is missing is for lint to say."""
    found = parse_runbook("x", text, file="x.md")

    lines = text.splitlines()
    assert [step.number for step in found.steps] == list(range(1, len(found.steps) + 1))
    assert all(lines[step.line - 1].strip() for step in found.steps)


def test_a_text_in_pieces_keeps_prose_and_commands_apart():
    """The commands are those of the steps."""
    pieces = list(segments(GOOD))

    assert [piece for is_command, piece in pieces if is_command] == [step.command for step in runbook().steps]
    prose = "\n".join(piece for is_command, piece in pieces if not is_command)
    assert [line for line in prose.splitlines() if line.startswith("## ")] == [
        "## Meaning",
        "## Impact",
        "## Diagnosis",
        "## Mitigation",
        "## Over",
    ]
    assert "```" not in prose
