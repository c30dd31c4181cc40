"""The page of all benchmarks: figures, what was missed and why, and what was not measured."""

from pathlib import Path

from syrupy.assertion import SnapshotAssertion
from tests.benchmarks.causes import CAUSES, missed, read_causes, stale, unmet
from tests.benchmarks.page import render_page
from tests.benchmarks.results import Result, keep, kept
from tests.benchmarks.rows import Row, at_least, at_most
from tests.benchmarks.steps import STEPS, Step

MACHINE = {"processor": "Abacus 3000", "cores": "2", "PostgreSQL": "18.6"}
STEPS_OF_A_TEST = [
    Step(name=name, module=name, arguments=words, expected_seconds=9, limit_seconds=90)
    for name, words in (("copying", ("--points", "100")), ("telling", ()), ("breaking", ()), ("waiting", ()))
]
CAUSES_OF_A_TEST = {
    ("copying", "copy | script"): "The disk is shared.",
    ("copying", "memory"): "It was never found out why.",
}


def _row(benchmark: str, what: str, value: float, **more: object) -> Row:
    return Row(**{"benchmark": benchmark, "what": what, "value": value, "unit": "x", **more})  # type: ignore[arg-type]


ROWS = {
    "copying": (
        _row("copying", "copy | script", 1.9, least=1.85, most=2.04, against="a script", target=at_least(2)),
        _row("copying", "memory", 1.0, against="a quarter of the points", target=at_most(1.2)),
        _row("copying", "copy", 41523.7, unit="points/s"),
    ),
    "telling": (
        _row("telling", "throughput", 0.912, least=0.88, most=0.97, is_interval=True, target=at_least(0.9)),
        _row("telling", "scrape", 23.81, unit="ms", target=at_most(20)),
    ),
    "breaking": (_row("breaking", "before it broke", 0.0624, unit="us"),),
}


def _result(name: str, **more: object) -> Result:
    values = {
        "name": name,
        "begun": "2026-11-29T20:15:30+00:00",
        "seconds": 83.0,
        "commit": "0123456789abcdef",
        "load_before": 0.07,
        "machine": MACHINE,
        "rows": ROWS[name],
    }
    return Result(**{**values, **more})  # type: ignore[arg-type]


RESULTS = {
    "copying": _result("copying"),
    "telling": _result("telling", begun="2026-11-30T06:01:00+00:00", commit="fedcba9876543210+changes"),
    "breaking": _result("breaking", failure="ended at its limit of 90 s"),
}


def test_the_page_tells_everything(snapshot: SnapshotAssertion) -> None:
    """A golden page: held, missed with and without a cause, cannot tell, failed, never run; two days and two commits."""
    assert render_page(STEPS_OF_A_TEST, RESULTS, CAUSES_OF_A_TEST) == snapshot


def test_a_page_of_nothing_says_that_nothing_was_measured() -> None:
    """No machine, no day, no figure."""
    page = render_page(STEPS_OF_A_TEST, {}, {})

    assert "Nothing is measured yet" in page
    assert page.count("not measured") == len(STEPS_OF_A_TEST)
    assert "## Machine" not in page


def test_a_cause_is_of_a_benchmark_and_what_it_measured() -> None:
    """The same words of another benchmark are another row."""
    rows = [row for result in RESULTS.values() for row in result.rows]

    assert [(each.row.what, each.cause) for each in missed(rows, CAUSES_OF_A_TEST)] == [
        ("copy | script", "The disk is shared."),
        ("scrape", None),
    ]


def test_a_cause_of_what_is_held_is_stale() -> None:
    """Of what was not measured nothing is known."""
    rows = ROWS["copying"]
    causes = {**CAUSES_OF_A_TEST, ("gone", "long ago"): "Who knows."}

    assert stale(rows, causes) == ["copying: memory"]
    assert unmet(rows, causes) == ["gone: long ago"]


def test_results_are_kept_and_read_back(tmp_path: Path) -> None:
    """In the order of the steps."""
    for result in reversed(RESULTS.values()):
        keep(result, folder=tmp_path)

    assert kept(STEPS_OF_A_TEST, folder=tmp_path) == RESULTS


def test_figures_of_another_machine_are_not_mixed_in(tmp_path: Path) -> None:
    """One table is of one machine with one set of versions: the newest result's."""
    keep(RESULTS["telling"], folder=tmp_path)
    keep(_result("copying", machine={**MACHINE, "PostgreSQL": "17.1"}), folder=tmp_path)
    (tmp_path / "breaking.json").write_text('{"name": "breaking"}')

    assert list(kept(STEPS_OF_A_TEST, folder=tmp_path)) == ["telling"]


def test_the_shipped_causes_are_of_benchmarks_that_run() -> None:
    """A cause that nothing can meet would never be told as stale."""
    benchmarks = {benchmark for benchmark, _ in read_causes(CAUSES)}

    assert benchmarks <= {step.module for step in STEPS}


def test_all_of_it_takes_less_than_half_an_hour() -> None:
    """By the times that are expected; each script is one that is there."""
    assert sum(step.expected_seconds for step in STEPS) < 30 * 60
    assert [step.name for step in STEPS if not Path(__file__).with_name(f"{step.module}.py").is_file()] == []
