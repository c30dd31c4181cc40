"""What can only fail, or would put something of somebody else's at risk, is refused before anything is made."""

import pytest
from tests.qdrant_collections.conftest import ALIAS, BOOK, Workshop

from opsctl.core.errors import NotReadyError, OpsError, RefusedError
from opsctl.qdrant_collections.model import CollectionsBook

VECTORS = {"vectors": {"size": 8, "distance": "Cosine"}}


def refused(workshop: Workshop, **options: object) -> OpsError:
    """Return the refusal of a rebuild; nothing was made."""
    before = sorted(workshop.store.points)
    with pytest.raises((RefusedError, NotReadyError)) as refusal:
        workshop.rebuild(**options)
    assert sorted(workshop.store.points) == before
    assert workshop.here.checkpoints.all(ALIAS) == []
    return refusal.value


def test_a_filter_that_no_point_passes_is_refused(workshop: Workshop) -> None:
    """An empty result is hardly meant."""
    workshop.change_book(filter={"region": "NZ"})

    assert refused(workshop).code == "COL017"


def test_an_empty_collection_can_be_built_on_purpose(workshop: Workshop) -> None:
    """With --allow-empty the alias leads to an empty generation."""
    workshop.change_book(filter={"region": "NZ"})

    report = workshop.rebuild(allow_empty=True)

    assert report.ok
    assert workshop.store.points[report.generation] == {}


def test_a_field_that_no_point_has_is_refused_with_the_one_that_was_meant(workshop: Workshop) -> None:
    """Every unknown field is named, with the nearest one that points have."""
    workshop.change_book(filter={"regoin": "AU", "titel": "x", "category": "photographer"})

    error = refused(workshop)

    assert error.code == "COL016"
    assert [(each.title, each.fix) for each in error.findings] == [
        ("no point has the field `regoin`", "did you mean `region`?"),
        ("no point has the field `titel`", "did you mean `title`?"),
    ]


def test_a_field_that_is_not_indexed_but_there_is_accepted(workshop: Workshop) -> None:
    """The payload schema is not the only witness."""
    workshop.change_book(filter={"title": "vendor 6"})

    assert workshop.rebuild().figures["copy"]["points"] == 1


def test_a_collection_with_the_name_of_the_alias_is_refused_with_a_plan(workshop: Workshop) -> None:
    """Nobody's collection is deleted to make room for an alias."""
    workshop.store.create_collection(ALIAS, VECTORS)

    error = refused(workshop)

    assert error.code == "COL011"
    assert "delete the collection" in (error.fix or "")


def test_a_name_that_is_both_alias_and_collection_is_refused(workshop: Workshop) -> None:
    """Such a state, left by an old server, is named as what it is."""
    workshop.store.create_collection(ALIAS, VECTORS)
    workshop.store.alias_table[ALIAS] = "content"

    error = refused(workshop)

    assert error.code == "COL011"
    assert "an alias" in error.message


def test_an_alias_that_leads_to_a_foreign_collection_is_left_alone(workshop: Workshop) -> None:
    """Only generations that opsctl built are swapped."""
    workshop.store.alias_table[ALIAS] = "content"

    assert refused(workshop).code == "COL012"


def test_a_missing_source_is_refused_with_what_is_there(workshop: Workshop) -> None:
    """The message lists the collections of the server."""
    workshop.book = CollectionsBook.model_validate(BOOK | {"source": {"collection": "contents"}})

    error = refused(workshop)

    assert (error.code, error.why) == ("COL015", "the server has content")


def test_a_source_behind_an_alias_is_read_through_it(workshop: Workshop) -> None:
    """The source may itself be an alias."""
    workshop.store.alias_table["all_content"] = "content"
    workshop.book = CollectionsBook.model_validate(BOOK | {"source": {"collection": "all_content"}})

    assert workshop.rebuild().source == "content"


@pytest.mark.parametrize("place", ["book", "embedding"])
def test_another_vector_length_is_refused(workshop: Workshop, place: str) -> None:
    """Book and embedding must agree with the source."""
    if place == "book":
        source = {"collection": "content", "dimension": 384}
        workshop.book = CollectionsBook.model_validate(BOOK | {"source": source})

    error = refused(workshop, expected_dimension=384 if place == "embedding" else None)

    assert error.code == "COL019"
    assert "length 8" in error.message
    assert "384" in error.message


def test_a_vector_name_that_the_source_does_not_have_is_refused(workshop: Workshop) -> None:
    """The names that it has are shown."""
    source = {"collection": "content", "vector": "text"}
    workshop.book = CollectionsBook.model_validate(BOOK | {"source": source})

    assert refused(workshop).code == "COL019"


def test_too_many_collections_are_refused(workshop: Workshop) -> None:
    """The book's limit counts what the server has."""
    workshop.book = CollectionsBook.model_validate(BOOK | {"limits": {"collections": 1}})

    assert refused(workshop).code == "COL013"


def test_a_disk_without_room_for_two_generations_is_refused(workshop: Workshop) -> None:
    """Where the free space is known it is compared with what a generation needs."""
    assert refused(workshop, free_bytes=1000).code == "COL018"
