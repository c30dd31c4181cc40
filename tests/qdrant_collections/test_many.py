"""Working on the whole book: what may be absent is left out, and nothing else."""

import pytest
from tests.qdrant_collections.conftest import ALIAS, BOOK, Workshop

from opsctl.core.errors import RefusedError, UsageError
from opsctl.core.events import Noted
from opsctl.qdrant_collections.many import expected_names
from opsctl.qdrant_collections.model import CollectionsBook
from opsctl.qdrant_collections.status import read_status

ELSEWHERE = {"filter": {"region": "Atlantis"}, "when_empty": "skip"}


def with_book(workshop: Workshop, **derived: object) -> None:
    """Put other derived collections into the book."""
    workshop.book = CollectionsBook.model_validate(BOOK | {"derived": derived})


def expected(workshop: Workshop, *names: str, counts: bool = True) -> tuple[str, ...]:
    """Return the names to work on."""
    here = workshop.here
    return expected_names(workshop.book, names, store=here.store, listener=here.listener, counts=counts)


def test_what_has_no_points_and_may_be_absent_is_left_out_and_said(workshop: Workshop) -> None:
    """The others of the book are built, and nobody wonders where one is."""
    with_book(workshop, **{ALIAS: BOOK["derived"][ALIAS], "atlantis": ELSEWHERE})

    assert expected(workshop) == (ALIAS,)
    assert [event for event in workshop.events if isinstance(event, Noted)] == [
        Noted(subject="atlantis", message="left out: no point passes `region = Atlantis`")
    ]
    assert [each.trouble for each in read_status(workshop.book, here=workshop.here)][1] is None


def test_what_may_not_be_absent_stays_and_is_refused_later(workshop: Workshop) -> None:
    """A filter with a spelling mistake must not vanish in silence."""
    with_book(workshop, **{ALIAS: BOOK["derived"][ALIAS], "atlantis": {"filter": {"region": "Atlantis"}}})

    assert expected(workshop) == (ALIAS, "atlantis")


def test_a_name_that_was_typed_is_meant(workshop: Workshop) -> None:
    """Whoever asks for it by name gets the refusal with its reason."""
    with_book(workshop, **{ALIAS: BOOK["derived"][ALIAS], "atlantis": ELSEWHERE})

    assert expected(workshop, "atlantis") == ("atlantis",)


def test_what_serves_is_never_left_out(workshop: Workshop) -> None:
    """A live collection whose source ran dry would otherwise go on serving what is gone."""
    workshop.rebuild()
    with_book(workshop, **{ALIAS: ELSEWHERE, "other": BOOK["derived"][ALIAS]})

    assert expected(workshop) == (ALIAS, "other")


def test_what_can_be_built_but_is_not_is_only_expected_by_a_rebuild(workshop: Workshop) -> None:
    """Verify, drift and bench have nothing to look at yet."""
    with_book(
        workshop,
        **{ALIAS: BOOK["derived"][ALIAS], "later": BOOK["derived"][ALIAS] | {"when_empty": "skip"}},
    )

    assert expected(workshop) == (ALIAS, "later")
    assert expected(workshop, counts=False) == (ALIAS,)


def test_a_source_that_is_gone_is_trouble_of_all_that_serve(workshop: Workshop) -> None:
    """What serves goes on serving, but nothing can be kept level any more."""
    workshop.rebuild()
    workshop.store.delete_collection(workshop.book.source.collection)

    (found,) = read_status(workshop.book, here=workshop.here)

    assert found.trouble == "its source `content` is not on the server; run `opsctl catalog sync`"


def test_a_book_of_which_nothing_is_left_is_refused(workshop: Workshop) -> None:
    """Nothing done must not look like success."""
    with_book(workshop, atlantis=ELSEWHERE)

    with pytest.raises(RefusedError, match="any derived collection"):
        expected(workshop)


def test_a_misspelt_name_is_refused_with_the_nearest(workshop: Workshop) -> None:
    """The book knows its names."""
    with pytest.raises(UsageError, match="no derived collection"):
        expected(workshop, ALIAS + "x")
