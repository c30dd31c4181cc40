"""How does a measurement of what a feed uses look: a column an arm, what was saved, and what may be wrong with it."""

from collections.abc import Iterator

from opsctl.costs.measured import Arm, Measurement, per_feed, savings_of
from opsctl.ui.console import hint, print_line, print_markup
from opsctl.ui.figures import VERDICT_WORDS
from opsctl.ui.table import show_table

_TITLES = {
    Arm.NEITHER: "neither",
    Arm.CACHES: "caches",
    Arm.BATCHES: "batches",
    Arm.BOTH: "both",
    Arm.CACHED: "all cached",
}


def show_measurement(measured: Measurement) -> None:
    """Print what was measured."""
    print_line("what a feed that is asked for uses")
    show_table(("", *(_TITLES[arm] for arm in measured.arms), "saved"), list(_rows(measured)))
    for problem in measured.problems:
        print_line(f"✘ {problem}")
    if measured.arms and all(each.grown.database_sent_bytes is None for each in measured.arms.values()):
        hint("nothing counted what the database sends: `apt-get install pgbouncer`, then measure again")
    sentence = "counts for nothing" if measured.problems else "measured"
    print_markup(f"{VERDICT_WORDS[measured.verdict]} {sentence}; the model and the readers are simulated")
    if not measured.problems:
        hint("`opsctl costs estimate` says what that costs")


def _rows(measured: Measurement) -> Iterator[tuple[str, ...]]:
    results = list(measured.arms.values())
    yield "feeds", *(f"{each.grown.feeds:,.0f}" for each in results), ""
    yield "of them made", *(_share(each.grown.made, each.grown.feeds) for each in results), ""
    saved = savings_of(measured)
    columns = [per_feed(each.grown) for each in results]
    for name in dict.fromkeys(name for column in columns for name in column):
        cells = [_amount(column.get(name), name) for column in columns]
        share = saved.get(name)
        yield _words(name), *cells, "" if share is None else f"{share * 100:.0f} %"


def _words(name: str) -> str:
    return name.replace("_cpu_seconds", " CPU, ms").replace("_", " ")


def _share(part: float, whole: float) -> str:
    return f"{part / whole * 100:.0f} %" if whole else "-"


def _amount(value: float | None, name: str) -> str:
    if value is None:
        return "-"
    shown = value * 1000 if name.endswith("_cpu_seconds") else value
    return f"{shown:,.0f}" if shown >= 100 else f"{shown:.3g}"
