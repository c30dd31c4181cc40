"""A figure is judged in one place, and comes back from the file as it was told."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.benchmarks.rows import (
    ROWS_FILE_VARIABLE,
    Spread,
    Target,
    Verdict,
    at_least,
    at_most,
    read_rows,
    tell,
)


def test_rows_are_read_back_as_they_were_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of a single figure, one of turns with a target."""
    path = tmp_path / "rows.jsonl"
    monkeypatch.setenv(ROWS_FILE_VARIABLE, str(path))

    told = (
        tell("copying", "memory", 126.4, unit="MiB"),
        tell("copying", "ours", Spread.of_turns([3, 1, 2]), unit="x", against="theirs", target=at_least(0.7)),
    )

    assert read_rows(path) == told


def test_what_a_killed_benchmark_was_writing_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole lines before it are kept."""
    path = tmp_path / "rows.jsonl"
    monkeypatch.setenv(ROWS_FILE_VARIABLE, str(path))
    told = tell("copying", "memory", 126.4, unit="MiB")
    with path.open("a") as stream:
        stream.write('{"benchmark": "copying", "wh')

    assert read_rows(path) == (told,)


def test_outside_of_a_run_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A benchmark alone prints, and needs no file."""
    monkeypatch.delenv(ROWS_FILE_VARIABLE, raising=False)

    assert tell("copying", "memory", 1.0, unit="MiB").verdict is Verdict.NO_TARGET
    assert read_rows(tmp_path / "rows.jsonl") == ()


@pytest.mark.parametrize(
    ("value", "target", "verdict"),
    [
        (2.0, at_least(2.0), Verdict.HELD),
        (1.99, at_least(2.0), Verdict.MISSED),
        (2.0, at_most(2.0), Verdict.HELD),
        (2.01, at_most(2.0), Verdict.MISSED),
        (float("nan"), at_most(2.0), Verdict.MISSED),
        (2.0, None, Verdict.NO_TARGET),
    ],
)
def test_a_figure_is_judged_by_its_target(value: float, target: Target | None, verdict: Verdict) -> None:
    """What is no number holds nothing."""
    assert tell("copying", "ours", value, unit="x", target=target).verdict is verdict


@pytest.mark.parametrize(
    ("least", "most", "verdict"),
    [(0.92, 1.04, Verdict.HELD), (0.80, 0.89, Verdict.MISSED), (0.85, 1.04, Verdict.CANNOT_TELL)],
)
def test_an_interval_is_judged_as_a_whole(least: float, most: float, verdict: Verdict) -> None:
    """Turns are judged by their median, whatever the worst of them was."""
    turns = Spread(value=0.95, least=least, most=most)
    interval = replace(turns, is_interval=True)

    assert tell("telling", "throughput", interval, unit="x", target=at_least(0.9)).verdict is verdict
    assert tell("telling", "throughput", turns, unit="x", target=at_least(0.9)).verdict is Verdict.HELD


def test_a_ratio_of_turns_is_that_of_their_medians() -> None:
    """Between the least and the most of the turns' own ratios."""
    assert Spread.of_pairs([2, 4, 9], [1, 4, 3]) == Spread(value=4 / 3, least=1, most=3)
