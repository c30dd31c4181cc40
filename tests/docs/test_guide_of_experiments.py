"""What the guide to experiments says in figures, tables and books is what the code says."""

import re
from pathlib import Path

from opsctl.experiments.book import Experiment
from opsctl.experiments.certify.kept import shipped, valid
from opsctl.experiments.check_experiments import Checking, check_experiments
from opsctl.experiments.load_experiments import load_experiment
from opsctl.experiments.sizes import size_problems
from opsctl.experiments.statistics.methods import Method
from opsctl.experiments.statistics.power import Design, detectable, share_deviation
from opsctl.experiments.statistics.sequential import exit_probabilities, power_family_bounds
from opsctl.ui.certificates_markdown import BEGIN, END, certificates_markdown

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "experiments.md"
TEXT = GUIDE.read_text(encoding="utf-8")


def _between(begin: str, end: str) -> str:
    return TEXT.partition(begin)[2].partition(end)[0].lstrip("\n")


def test_the_table_of_certificates_is_that_of_the_release() -> None:
    """After a renewal: `opsctl experiments certify --list --markdown docs/guides/experiments.md`."""
    held = valid(shipped())

    assert _between(BEGIN, END) == certificates_markdown([held[method] for method in Method])


def test_the_smallest_effects_are_those_of_the_formula() -> None:
    """Of each share, as parts of the control's value."""
    ways = ((10_000, 0.0), (10_000, 0.5), (10_000, 0.7), (5_000, 0.0), (10_000 / 3, 0.0), (1_000, 0.0))
    rows = [
        line.strip("| ").split(" | ")
        for line in _between("<!-- power:begin -->", "<!-- power:end -->").splitlines()[2:]
    ]

    assert len(rows) == 5
    for share, *effects in rows:
        mean = float(share.removesuffix(" %")) / 100
        for (units, correlation), effect in zip(ways, effects, strict=True):
            design = Design(deviation=share_deviation(mean), correlation=correlation)
            assert effect == f"{100 * detectable(design, units=units) / mean:.1f} %"


def test_fourteen_plain_looks_find_something_in_22_of_100() -> None:
    """Where there is nothing to be found; and the bounds of two planned looks are those of the table."""
    shares = [(day + 1) / 14 for day in range(14)]
    found = sum(map(sum, exit_probabilities(shares, [1.959964] * 14, drift=0.0)))
    first, second = power_family_bounds([0.5, 1.0], alpha=0.05, spending=2.0)

    assert f"finds something in {100 * found:.0f} %" in TEXT
    assert f"above {first:.2f}, then {second:.2f}" in TEXT


def test_the_example_is_a_right_book(tmp_path: Path) -> None:
    """Nothing to complain of, neither in its parts nor in its sizes."""
    text = re.search(r"```yaml\n(# ops/experiments/less_exploration.yaml\n.*?)```", TEXT, re.DOTALL)
    assert text is not None
    path = tmp_path / "less_exploration.yaml"
    path.write_text(text[1], encoding="utf-8")

    named = load_experiment(path)

    assert check_experiments([named], checking=Checking(sizes=size_problems)) == []


def test_every_key_of_a_book_stands_in_the_guide() -> None:
    """Or is one of those that need no word."""
    missing = [key for key in Experiment.model_fields if f"`{key}`" not in TEXT]

    assert set(missing) <= {"title", "unit", "tags"}
