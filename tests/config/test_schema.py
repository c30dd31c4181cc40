"""What an editor shows for a key: the docstring under the field, of the model or of what it inherits from."""

import json

from pydantic import Field

from opsctl.config.model import StrictModel
from opsctl.config.schema import documentation, render_schema


class Base(StrictModel):
    """What others build on."""

    size: int = 1
    """How many."""

    plain: int = 2


class Book(Base):
    """A book."""

    kind: str = Field("x", alias="type")
    """Which kind,
    in two lines."""

    inner: Base = Base()
    """What is within."""


def test_each_key_is_described_by_the_docstring_under_its_field():
    """Inherited ones too, those of a part, and under the name that stands in the book."""
    schema = json.loads(render_schema(Book, name="book"))

    described = {key: each.get("description") for key, each in schema["properties"].items()}
    assert described == {
        "size": "How many.",
        "plain": None,
        "type": "Which kind,\nin two lines.",
        "inner": "What is within.",
    }
    assert schema["$defs"]["Base"]["properties"]["size"]["description"] == "How many."


def test_a_docstring_of_something_else_describes_no_field():
    """Class variables are no keys."""
    assert set(documentation(Book)) == {"size", "kind", "inner"}
