"""The README's table of figures: it is what was measured, and nothing else."""

import pytest
from tests.benchmarks.digest import BEGIN, END, SHOWN, with_digest
from tests.benchmarks.results import Result
from tests.benchmarks.rows import Row, at_least
from tests.benchmarks.runner import ROOT

README = f"before\n{BEGIN}old\n{END}after\n"


def _results(value: float) -> list[Result]:
    rows = tuple(
        Row(benchmark=benchmark, what=what, value=value, unit="x", target=at_least(2))
        for benchmark, what in SHOWN
    )
    return [
        Result(
            name="all",
            begun="2026-11-30T05:00:00+00:00",
            seconds=1.0,
            commit="0123",
            load_before=0.0,
            machine={},
            rows=rows,
        )
    ]


def test_the_table_is_made_of_the_rows() -> None:
    """Held and missed; what stands around it stays, and a second time nothing changes."""
    held, missed = with_digest(README, _results(2.5)), with_digest(README, _results(1.5))

    assert held.startswith(f"before\n{BEGIN}| what | measured | goal |\n")
    assert held.endswith(f"{END}after\n")
    assert "| the load engine in open loop against wrk | 2.50x | >= 2 |" in held
    assert "| the load engine in open loop against wrk | 1.50x | >= 2: missed |" in missed
    assert with_digest(held, _results(2.5)) == held


def test_a_figure_that_nobody_measured_is_not_left_as_it_was() -> None:
    """Else it would stay for ever."""
    with pytest.raises(LookupError, match="filter_strategies: derived against no index"):
        with_digest(README, [])


def test_a_page_without_marks_is_left_alone() -> None:
    """There is nothing to write."""
    assert with_digest("words\n", _results(1.0)) == "words\n"


def test_every_figure_of_the_readme_stands_on_the_page_of_all_benchmarks() -> None:
    """Both are written in one go."""
    readme, page = (
        ROOT.joinpath(*path).read_text(encoding="utf-8")
        for path in (("README.md",), ("docs", "benchmarks.md"))
    )
    table = readme.partition(BEGIN)[2].partition(END)[0]
    figures = [line.split(" | ")[1] for line in table.splitlines()[2:]]

    assert len(figures) == len(SHOWN)
    assert [figure for figure in figures if f"| {figure} |" not in page] == []
