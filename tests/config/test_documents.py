"""What was kept as JSON comes back as the same value, also what an earlier version wrote; else the place is told."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import pytest

from opsctl.chaos import journal as chaos
from opsctl.checklist.refresh import journal as refresh
from opsctl.config.documents import NotKeptError, document_text, parsed_document, value_of
from opsctl.dr.drill import journal as dr

KEPT = Path(__file__).parents[1] / "data" / "journals"


class Colour(StrEnum):
    """A closed set."""

    RED = "red"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    """A part of a document."""

    colour: Colour
    sizes: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outer:
    """A document."""

    at: datetime
    parts: Mapping[Colour, Inner]
    share: float = 0.5


INNER = {"colour": "red", "sizes": [1]}
OUTER = Outer(
    at=datetime(2026, 11, 29, tzinfo=UTC), parts={Colour.RED: Inner(colour=Colour.RED, sizes=(1, 2))}
)


def test_a_value_comes_back_as_it_was():
    """Moments, enumerations, tuples and mappings; the head stands beside the fields."""
    body = parsed_document(document_text({"schema": "s/1"}, OUTER))

    assert body.pop("schema") == "s/1"
    assert value_of(Outer, body) == OUTER


def test_what_an_older_document_lacks_has_its_default():
    """Nobody looked at it then."""
    body = parsed_document(document_text({}, OUTER))
    del body["share"]

    assert value_of(Outer, body).share == 0.5


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", "{" * 5000, '{"a": 1, "a": 2}'])
def test_what_is_no_document_is_refused_without_a_place(text: str):
    """There is none that could be named."""
    with pytest.raises(NotKeptError) as caught:
        parsed_document(text)

    assert caught.value.place is None
    assert caught.value.why


@pytest.mark.parametrize(
    ("inner", "place"),
    [
        (INNER | {"colour": "green"}, "parts.red.colour"),
        (INNER | {"sizes": ["1"]}, "parts.red.sizes.0"),
        (INNER | {"more": 1}, "parts.red.more"),
        ({"colour": "red"}, "parts.red.sizes"),
    ],
)
def test_a_field_that_is_wrong_is_named_with_its_place(inner: dict[str, object], place: str):
    """Of another kind, not of the set, unknown, or not there."""
    with pytest.raises(NotKeptError) as caught:
        value_of(Outer, {"at": "2026-11-29T00:00:00+00:00", "parts": {"red": inner}})

    assert caught.value.place == place


@pytest.mark.parametrize(
    ("name", "again"),
    [
        ("chaos", lambda text: chaos.to_json(chaos.from_json(text))),
        ("dr", lambda text: dr.to_json(dr.from_json(text))),
        ("refresh", lambda text: refresh.to_text(refresh.from_text(text))),
    ],
)
def test_journals_that_earlier_versions_wrote_come_back_and_are_written_as_before(
    name: str, again: Callable[[str], str]
):
    """Each was written when its kind had a codec of its own, and cut to a few points."""
    text = (KEPT / f"{name}.json").read_text()

    assert json.loads(again(text)) == json.loads(text)
