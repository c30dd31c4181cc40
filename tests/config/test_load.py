"""Books: every problem at once, each with its place and the nearest right word."""

import contextlib
import time
from decimal import Decimal
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from opsctl.bench.load.book import LoadBook
from opsctl.checklist.book import ChecklistBook
from opsctl.config.load import load_book, parse_book
from opsctl.config.model import StrictModel
from opsctl.config.quantities import Duration
from opsctl.core.errors import UsageError


class Part(StrictModel):
    """A part."""

    size: int
    """How large."""
    kind: Literal["round", "square"] = "round"
    """What shape."""


class Whole(StrictModel):
    """A whole."""

    title: str = "untitled"
    """Its name."""
    parts: dict[str, Part] = Field(default={})
    """Its parts."""
    rows: list[Part] = Field(default=[])
    """More parts."""


def problems(text: str) -> list[tuple[int | None, int | None, str, str | None]]:
    """Return line, column, title and fix of each problem."""
    with pytest.raises(UsageError) as caught:
        parse_book(text, Whole, file="whole.yaml")
    return [
        (finding.location.line, finding.location.column, finding.title, finding.fix)
        for finding in caught.value.findings
        if finding.location
    ]


class Numbers(StrictModel):
    """Numbers in every place."""

    share: float = 0.5
    """A number."""
    count: int | None = None
    """One that may be missing."""
    price: Decimal = Decimal(1)
    """Money."""
    levels: list[float] = Field(default=[])
    """Several."""
    weights: dict[str, int] = Field(default={})
    """By name."""
    size: int | Literal["all"] = 1
    """Or a word."""
    part: Part | None = None
    """In a part."""
    flag: bool | int = 0
    """Or yes."""


@pytest.mark.parametrize(
    ("text", "place", "written"),
    [
        ("share: on", "share", 1),
        ("count: yes", "count", 1),
        ("price: true", "price", 1),
        ("levels: [0.5, no]", "levels.1", 0),
        ("weights: {a: off}", "weights.a", 0),
        ("size: yes", "size", 1),
        ("part: {size: yes}", "part.size", 1),
    ],
)
def test_yes_and_no_are_no_numbers(text, place, written):
    """YAML reads them as true and false, which Python counts as 1 and 0: `ramp: on` would let in everybody."""
    with pytest.raises(UsageError) as caught:
        parse_book(text, Numbers, file="numbers.yaml")

    assert [finding.title for finding in caught.value.findings] == [
        f"`{place}`: a number belongs here, not yes or no, on or off; write `{written}` if that is meant"
    ]


def test_numbers_are_read_as_before_and_yes_where_it_is_allowed():
    """Also those that YAML takes for a text."""
    text = "{share: 1e-3, count: 3, levels: [1, 0.5], weights: {a: 2}, size: all, part: {size: 3}, flag: yes}"

    assert parse_book(text, Numbers, file="numbers.yaml") == Numbers(
        share=0.001, count=3, levels=[1, 0.5], weights={"a": 2}, size="all", part=Part(size=3), flag=True
    )


def test_a_right_book_is_read():
    """Values arrive typed."""
    book = parse_book("title: x\nparts: {a: {size: 3}}\n", Whole, file="whole.yaml")

    assert book == Whole(title="x", parts={"a": Part(size=3)})


def test_an_empty_book_is_its_defaults():
    """An empty file says nothing wrong."""
    assert parse_book("", Whole, file="whole.yaml") == Whole()


def test_all_problems_come_at_once_in_the_order_of_lines():
    """Nobody mends a book one message at a time."""
    text = "titel: x\nparts:\n  a: {size: big}\n  b: {sise: 3}\nrows:\n  - {size: 1, kind: rond}\n"

    assert problems(text) == [
        (1, 1, "unknown key `titel`", "did you mean `title`?"),
        (
            3,
            13,
            "`parts.a.size` is `big`: input should be a valid integer, unable to parse string as an integer",
            None,
        ),
        (4, 7, "unknown key `sise`", "did you mean `size`?"),
        (6, 21, "`rows.0.kind` is `rond`; expected 'round' or 'square'", "did you mean `round`?"),
    ]


def test_the_caret_stands_under_the_fault():
    """The location carries the source line, so that it can be shown."""
    with pytest.raises(UsageError) as caught:
        parse_book("title: x\nparts: 3\n", Whole, file="whole.yaml")
    location = caught.value.findings[0].location

    assert location is not None
    assert str(location) == "whole.yaml:2:8"
    assert location.source == "parts: 3"


def test_a_duplicate_key_is_refused():
    """YAML parsers keep one of the two in silence."""
    assert problems("parts:\n  a: {size: 1}\n  a: {size: 2}\n") == [
        (3, 3, "key `a` stands twice, first on line 2", "keep one of the two")
    ]


@pytest.mark.parametrize(
    "text",
    [
        "parts: [",
        "a: b: c",
        "\tx: 1",
        "title: 'open",
        "parts: {a: &x {size: *x}}",
        "- &a [*a]",
        "? {a: 1}\n: 2",
    ],
)
def test_what_is_not_a_book_is_named_with_its_place(text):
    """Broken syntax and self-reference give a finding, never a traceback."""
    assert all(line and column for line, column, _title, _fix in problems(text))


class Bounds(StrictModel):
    """A range."""

    gte: float | None = None
    """Lowest."""


class Choice(StrictModel):
    """A book whose values may have several kinds."""

    conditions: dict[str, Bounds | list[str] | bool | float | str] = Field(default={})
    """Map, list or scalar."""


@pytest.mark.parametrize(
    ("written", "title"),
    [
        (
            "{gte: x}",
            "`conditions.a.gte` is `x`: input should be a valid number, unable to parse string as a number",
        ),
        ("{gt: 1}", "unknown key `gt`"),
        ("[1]", "`conditions.a.0` is `1`: input should be a valid string"),
        (
            "",
            "`conditions.a` is `None`: input should be a map or a list or a boolean or a number or a string",
        ),
    ],
)
def test_a_value_of_several_kinds_is_judged_by_the_kind_that_was_meant(written, title):
    """One complaint, about the map or list that stands there, without the names of classes."""
    with pytest.raises(UsageError) as caught:
        parse_book(f"conditions:\n  a: {written}\n", Choice, file="choice.yaml")

    assert [finding.title for finding in caught.value.findings] == [title]


def test_a_key_that_yaml_reads_as_a_number_is_placed():
    """`1:` is no text; the caret stands under it, and what is below it is judged as usual."""
    assert [row[:3] for row in problems("title: x\nparts:\n  1: {size: big}\n")] == [
        (3, 3, "`parts.1` is `1`: input should be a valid string"),
        (
            3,
            13,
            "`parts.1.size` is `big`: input should be a valid integer, unable to parse string as an integer",
        ),
    ]


def test_aliases_of_aliases_are_refused_before_they_fill_the_memory():
    """Eight lines can stand for billions of values."""
    rows = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    rows += [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]

    assert [title for _line, _column, title, _fix in problems("\n".join(rows))] == ["the book is too large"]


@pytest.mark.parametrize(
    "number",
    ["0x" + "f" * 6000, "9" * 2000, "1" + "_000" * 1000, "-" + "59:" * 2000 + "59", "1." + "0" * 2000],
)
def test_a_number_that_no_message_could_show_is_refused_at_its_place(number: str):
    """Python itself writes none down that has more than 4,300 digits."""
    (found,) = problems(f"title: x\nparts: {{a: {{size: {number}}}}}\n")

    assert found[:2] == (2, 19)
    assert "not valid YAML" in found[2]


@pytest.mark.slow
@pytest.mark.parametrize("key", ["k{}", "twice"])
def test_of_very_many_problems_the_first_are_shown_soon(key: str):
    """A file of another kind, taken for a book, would be compared line by line for hours."""
    text = "".join(f"{key.format(number)}: 1\n" for number in range(20_000))
    began = time.process_time()

    found = problems(text)

    assert 200 <= len(found) <= 401
    assert time.process_time() - began < 30


def test_a_huge_file_is_refused_before_it_is_parsed():
    """A data file given as a book is answered at once."""
    assert problems("# " + "x" * 3_000_000)[0][2] == "the book is too large"


@pytest.mark.parametrize("value", [".nan", ".inf", "-.inf"])
def test_numbers_that_are_none_are_refused(value):
    """NaN would compare false with every budget."""

    class Budget(StrictModel):
        share: float

    with pytest.raises(UsageError):
        parse_book(f"share: {value}", Budget, file="budget.yaml")


@given(st.text(max_size=200))
def test_no_text_makes_the_loader_fall_over(text):
    """Whatever is typed, the answer is a book or a list of problems."""
    with contextlib.suppress(UsageError):
        parse_book(text, Whole, file="whole.yaml")


def test_a_missing_book_says_where_it_was_looked_for(tmp_path: Path):
    """The path is in the message."""
    with pytest.raises(UsageError, match=r"absent\.yaml"):
        load_book(tmp_path / "absent.yaml", Whole)


def test_a_book_in_another_encoding_is_refused(tmp_path: Path):
    """Latin-1 bytes are no UTF-8."""
    path = tmp_path / "latin.yaml"
    path.write_bytes("title: café".encode("latin-1"))

    with pytest.raises(UsageError, match="utf-8"):
        load_book(path, Whole)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        (f"title: x\na: {'[' * 30_000}", 2, 103),
        ("- " * 30_000 + "a", 1, 201),
        ("\n".join(f"{' ' * depth}a:" for depth in range(300)), 101, 101),
    ],
)
def test_a_book_that_is_nested_too_deeply_is_refused_at_its_place(text: str, line: int, column: int):
    """The composer's stack ends there, and the process with it."""
    ((found_line, found_column, title, _),) = problems(text)

    assert (found_line, found_column, title) == (line, column, "the book is too large")


def test_aliases_may_stand_for_no_deeper_book():
    """Each of them one level more than the one before."""
    rows = ["a0: &a0 [x]", *(f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, 3000)), "title: *a2999"]

    assert "the book is too large" in [title for _, _, title, _ in problems("\n".join(rows))]


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("!!bool foo", "not valid YAML: `foo` is no bool"),
        ("!!timestamp foo", "not valid YAML: `foo` is no timestamp"),
        ('!!int ""', "not valid YAML: `` is no int"),
        ('!!float ""', "not valid YAML: `` is no float"),
        ("2001-99-99", "not valid YAML: `2001-99-99` is no timestamp"),
    ],
)
def test_a_value_that_is_not_of_its_kind_is_named_at_its_place(written: str, title: str):
    """PyYAML falls over it without a place."""
    assert [row[:3] for row in problems(f"title: x\nparts: {written}\n")] == [(2, 8, title)]


@pytest.mark.parametrize("written", ["0.0001ms", "0.0004ms", "0.000000000001d"])
def test_a_time_shorter_than_a_microsecond_is_refused(written: str):
    """It would be written as nothing."""

    class Waiting(StrictModel):
        time: Duration

    with pytest.raises(UsageError) as caught:
        parse_book(f"time: {written}", Waiting, file="waiting.yaml")

    assert "shorter than a microsecond" in caught.value.findings[0].title


def test_a_rule_over_several_keys_points_at_the_one_that_it_names():
    """Not at the first line of the book, which may be hundreds of lines away."""
    text = """title: Ready
items:
  CHK001: {name: first, title: The first, why: Because., all: [{kind: bench.load}]}
  CHK002:
    name: second
    title: The second
    why: Because.
    all: [{kind: bench.load, refresh: lod}]
"""
    with pytest.raises(UsageError) as caught:
        parse_book(text, ChecklistBook, file="checklist.yaml")

    (finding,) = caught.value.findings
    assert finding.title == "`items.CHK002`: there is no command `lod` under `commands`"
    assert finding.location is not None
    assert (finding.location.line, finding.location.column) == (4, 3)


def test_a_misspelt_kind_is_told_at_its_word():
    """Which of several things a part is to be is said by one key of it; the nearest of them was meant."""
    text = (
        "mix: {feed: {share: 100, path: /v1/feed}}\narrivals:\n  - {shape: poison, rate: 20, duration: 5s}\n"
    )
    with pytest.raises(UsageError) as caught:
        parse_book(text, LoadBook, file="load.yaml")
    (found,) = caught.value.findings

    assert found.location is not None
    assert (found.location.line, found.location.column) == (3, 13)
    assert found.title.startswith("`arrivals.0.shape` is `poison`; expected 'constant', 'poisson'")
    assert found.fix == "did you mean `poisson`?"


def test_what_is_missing_is_named_with_what_there_could_be():
    """An empty file says what belongs into it; the whole of a book has no name in backticks."""
    with pytest.raises(UsageError) as empty:
        parse_book("", LoadBook, file="load.yaml")
    with pytest.raises(UsageError) as text:
        parse_book("hello", LoadBook, file="load.yaml")

    assert "add it; known keys here: abort, arrivals" in str(empty.value.findings[0].fix)
    assert text.value.findings[0].title.startswith("the book is `hello`")
