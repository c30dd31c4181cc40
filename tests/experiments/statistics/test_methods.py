"""Names of methods, and the codes of all reasons."""

import re
from pathlib import Path
from typing import Any

import pytest
from tests.experiments.statistics.books import experiment, metric

from opsctl.experiments import statistics
from opsctl.experiments.book import Correction
from opsctl.experiments.metric_book import MetricKind
from opsctl.experiments.statistics.explanations import EXPLANATIONS
from opsctl.experiments.statistics.methods import Method, estimation_of, methods_behind


@pytest.mark.parametrize(
    ("changes", "method"),
    [
        ({"kind": "mean"}, Method.MEAN),
        ({"kind": "mean", "pre_period": "7d"}, Method.CUPED_MEAN),
        ({"kind": "mean", "winsorise": 0.99}, Method.WINSORISED_MEAN),
        ({"kind": "proportion"}, Method.PROPORTION),
        ({"kind": "proportion", "pre_period": "7d"}, Method.CUPED_PROPORTION),
        ({"kind": "ratio", "per": ["feed"]}, Method.RATIO),
        ({"kind": "ratio", "per": ["feed"], "pre_period": "7d"}, Method.CUPED_RATIO),
        ({"kind": "ratio", "per": ["feed"], "winsorise": 0.99}, Method.WINSORISED_RATIO),
        ({"kind": "quantile", "quantile": 0.9}, Method.QUANTILE),
    ],
)
def test_a_metric_is_estimated_by_one_method(changes, method):
    """As its kind and its pre-period ask for."""
    assert estimation_of(metric(**changes)) is method


def test_every_kind_of_metric_has_a_method():
    """Nothing is analysed by what has no name."""
    extra: dict[MetricKind, dict[str, Any]] = {
        MetricKind.RATIO: {"per": ["feed"]},
        MetricKind.QUANTILE: {"quantile": 0.9},
    }

    assert all(
        isinstance(estimation_of(metric(kind=kind, **extra.get(kind, {}))), Method) for kind in MetricKind
    )


def test_a_verdict_rests_on_all_that_was_used():
    """Estimation, cap, margin, looks, correction, the sizes of the arms, and what is made of all of them."""
    book = experiment(
        {
            "saves": metric(kind="mean", pre_period="7d", winsorise=0.99),
            "latency": metric(kind="quantile", quantile=0.9, role="guardrail", margin="5%", mde=None),
        },
        stopping={"rule": "group_sequential", "looks": ["7d"]},
    )

    assert methods_behind(book, book.metrics["saves"]) == (
        Method.SRM,
        Method.CUPED_MEAN,
        Method.WINSORISED_MEAN,
        Method.GROUP_SEQUENTIAL,
        Method.HOLM,
        Method.VERDICT_GROUP_SEQUENTIAL,
    )
    assert methods_behind(book, book.metrics["latency"]) == (
        Method.SRM,
        Method.QUANTILE,
        Method.NON_INFERIORITY,
        Method.ALWAYS_VALID_ONE_SIDED,
        Method.GROUP_SEQUENTIAL,
        Method.VERDICT_GROUP_SEQUENTIAL,
    )


def test_every_correction_but_none_has_a_method_of_its_name():
    """They are looked up by it."""
    assert {Method(each.value) for each in Correction if each is not Correction.NONE} == {
        Method.HOLM,
        Method.BENJAMINI_HOCHBERG,
    }


def test_every_reason_is_explained_and_every_explanation_is_used():
    """`opsctl explain` knows each code of this package."""
    folder = Path(statistics.__file__).parent
    used = {
        code
        for path in folder.glob("*.py")
        if path.name != "explanations.py"
        for code in re.findall(r'code="(EXP\d+)"', path.read_text())
    }

    assert used == set(EXPLANATIONS)
    assert all("EXP080" <= code <= "EXP099" for code in used)
