"""The book of the service: what is wrong in it is found before any process starts."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from opsctl.config.settings import resolve_settings
from opsctl.core.errors import UsageError
from opsctl.ranking.model import feature_names
from opsctl.service.book import FEATURES, Model, Ranking, ServiceBook
from opsctl.service.plan import plan_service


def test_the_features_of_the_book_are_those_of_ranking() -> None:
    """The names stand twice so that no command waits for numpy; this keeps them one."""
    assert list(FEATURES) == list(feature_names())


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"agents": ["custom"]}, "needs `custom_weights`"),
        ({"agents": ["custom"], "custom_weights": {"qality": 1.0}}, "no feature with `qality`"),
        ({"agents": ["quality", "quality"]}, "stands twice"),
        ({"arms": []}, "at least 1"),
        ({"exploration_share": 1.5}, "less than or equal to 1"),
        ({"half_life": "soon"}, "is not a duration"),
    ],
)
def test_a_wrong_ranking_is_refused_with_the_reason(values: dict[str, object], words: str) -> None:
    """The message names what to change."""
    with pytest.raises(ValidationError, match=words):
        Ranking.model_validate(values)


def test_an_endpoint_without_an_address_is_refused() -> None:
    """Only the heuristic needs none."""
    with pytest.raises(ValidationError, match="needs `url`"):
        Model.model_validate({"provider": "openai"})


def test_more_workers_than_connections_are_refused(tmp_path: Path) -> None:
    """Each worker needs one of its own, so the bound could not hold."""
    settings = resolve_settings(root=tmp_path, environment={}, user_file=None, flags={})

    assert plan_service(settings, workers=10).workers == 10
    with pytest.raises(UsageError, match="11 workers cannot share 10 connections"):
        plan_service(settings, workers=11)


def test_an_empty_book_has_all_its_defaults() -> None:
    """Four agents are on, two are off, and the bench plan is there."""
    book = ServiceBook()
    assert book.ranking.agents == ["discovery", "quality", "archivist", "serendipity"]
    assert set(book.plans) == {"free", "bench"}
