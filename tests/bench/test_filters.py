"""The filters of the matrix are found in the data, as near to the wanted share as it has."""

import random
from datetime import UTC, datetime

import pytest

from opsctl.bench.evidence import filters_evidence
from opsctl.bench.filters import Shape, find_cases, is_valid_matrix, with_exact_counts
from opsctl.core.errors import NotReadyError
from opsctl.evidence.model import Verdict
from opsctl.ui.show_filters import show_filters


def payloads(count=2000):
    """Return payloads of two keywords, a number, and a title that no filter should use."""
    chance = random.Random(1)
    return [
        {
            "region": chance.choice(["AU", "NZ", "US", "UK", "DE"]),
            "tags": chance.sample(["a", "b", "c", "d", "e", "f"], 2),
            "quality": chance.random(),
            "title": f"title {number}",
            "open": True,
        }
        for number in range(count)
    ]


@pytest.mark.slow
def test_every_shape_is_found_and_says_its_true_share():
    """Selectivity is what the filter really passes, within three times of what was wanted."""
    rows = payloads()

    cases = find_cases(rows)

    assert {case.shape for case in cases} == set(Shape)
    for case in cases:
        assert case.points == sum(map(case.filter.matches, rows))
        assert 1 / 3 <= case.selectivity / case.wanted <= 3


@pytest.mark.slow
def test_titles_are_no_keywords():
    """A field in which every point has its own text is not filtered by."""
    fields = {field for case in find_cases(payloads()) for field in case.filter.fields()}

    assert fields <= {"region", "tags", "quality"}


def test_the_database_has_the_last_word_on_counts():
    """A filter that passes nothing in the whole collection is left out."""
    cases = find_cases(payloads())

    counted = with_exact_counts(cases, total=100, count=lambda spec: 0 if spec == cases[0].filter else 25)

    assert len(counted) == len(cases) - 1
    assert {(case.points, case.selectivity) for case in counted} == {(25, 0.25)}


def test_a_matrix_without_a_filter_shows_nothing(capsys):
    """No pass: where nothing was measured, nobody can tell."""
    evidence = filters_evidence(
        [], source="items", queries="q", machine={}, began=(datetime(2026, 11, 30, tzinfo=UTC), 1.0)
    )
    show_filters([], limit=10)

    assert evidence.verdict is Verdict.INCONCLUSIVE
    assert not is_valid_matrix([])
    assert "nothing was measured" in "".join(capsys.readouterr())


@pytest.mark.parametrize("rows", [[], [{}], [{"title": "a"}, {"title": "b"}, {"title": "c"}]])
def test_data_without_anything_to_filter_by_is_said(rows):
    """No rows, no payload, and only names."""
    with pytest.raises(NotReadyError) as error:
        find_cases(rows)

    assert error.value.code == "BEN015"
