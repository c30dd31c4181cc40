"""How do certificates look: each method with what was measured of it, beside what it promises."""

from collections.abc import Sequence
from typing import Any

from opsctl.experiments.certify.document import id_of, to_document
from opsctl.experiments.certify.model import Certificate, Figure, Measured
from opsctl.ui.console import hint, print_line
from opsctl.ui.table import show_table

_TITLES = ("method", "", "false findings", "uniform, p", "coverage", "of lift", "power", "id")
_COLUMNS = (
    Figure.FALSE_FINDINGS,
    Figure.UNIFORMITY,
    Figure.COVERAGE,
    Figure.LIFT_COVERAGE,
    Figure.POWER,
)


def certificate_data(certificate: Certificate) -> dict[str, Any]:
    """Return a certificate for a document."""
    return to_document(certificate) | {"id": id_of(certificate)}


def show_certificates(certificates: Sequence[Certificate], *, missing: Sequence[str], is_quick: bool) -> None:
    """Print what was measured, and what comes next."""
    show_table(_TITLES, [_row(each) for each in certificates])
    if certificates:
        counts = sorted({figure.replications for each in certificates for figure in each.figures})
        experiments = " or ".join(f"{count:,}" for count in counts)
        print_line(
            f"{experiments} simulated experiments a figure; power is how far it is from what the sample size promises"
        )
    broken = [each.method.value for each in certificates if not each.is_green]
    if broken:
        hint(f"a promise is broken: look at `opsctl explain EXP140`, and certify again: {' '.join(broken)}")
    elif is_quick:
        hint("1,000 experiments certify nothing: `opsctl experiments certify` makes 10,000")
    if missing:
        print_line(f"not certified: {', '.join(missing)}")
        hint(f"`opsctl experiments certify {' '.join(missing)}`")


def _row(certificate: Certificate) -> tuple[str, ...]:
    figures = {each.figure: each for each in certificate.figures}
    mark = "[green]✔ kept[/]" if certificate.is_green else "[red]✘ broken[/]"
    cells = (_cell(figures.get(column)) for column in _COLUMNS)
    return (certificate.method.value, mark, *cells, id_of(certificate))


def _cell(figure: Measured | None) -> str:
    if figure is None:
        return "-"
    match figure.figure:
        case Figure.UNIFORMITY:
            text = f"{figure.value:.3f}"
        case Figure.POWER:
            text = f"{100 * figure.value:+.1f} pp"
        case _:
            text = f"{100 * figure.value:.2f} %"
    return text if figure.is_kept else f"[red]{text}[/]"
