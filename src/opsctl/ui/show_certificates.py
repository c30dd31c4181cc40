"""How do certificates look: each method with what was measured of it, beside what it promises."""

from collections.abc import Sequence
from typing import Any

from opsctl.experiments.certify.code import versions_here
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
_VERDICT_TITLES = ("whole analyses", "", "ships nothing", "ships a lift", "ships harm", "id")
_VERDICT_COLUMNS = (Figure.SHIPPED_FOR_NOTHING, Figure.SHIPPED_LIFTS, Figure.SHIPPED_HARM)


def certificate_data(certificate: Certificate) -> dict[str, Any]:
    """Return a certificate for a document."""
    return to_document(certificate) | {"id": id_of(certificate)}


def is_of_verdicts(certificate: Certificate) -> bool:
    """Tell whether whole analyses were measured, and not a method of one test."""
    return any(figure.figure is Figure.SHIPPED_FOR_NOTHING for figure in certificate.figures)


def show_certificates(certificates: Sequence[Certificate], *, missing: Sequence[str], is_quick: bool) -> None:
    """Print what was measured, and what comes next."""
    methods = [each for each in certificates if not is_of_verdicts(each)]
    verdicts = [each for each in certificates if is_of_verdicts(each)]
    if methods or not verdicts:
        show_table(_TITLES, [_row(each, _COLUMNS) for each in methods])
    if methods:
        print_line(
            f"{_experiments(methods)} simulated experiments a figure; power is how far it is from what the sample size promises"
        )
    if verdicts:
        show_table(_VERDICT_TITLES, [_row(each, _VERDICT_COLUMNS) for each in verdicts])
        print_line(
            f"{_experiments(verdicts)} simulated experiments a figure, each looked at whenever its rule allows"
        )
    _show_next(certificates, missing=missing, is_quick=is_quick)


def _show_next(certificates: Sequence[Certificate], *, missing: Sequence[str], is_quick: bool) -> None:
    broken = [each.method.value for each in certificates if not each.is_green]
    if broken:
        hint(f"a promise is broken: look at `opsctl explain EXP140`, and certify again: {' '.join(broken)}")
    elif is_quick:
        hint("a tenth of the experiments certifies nothing: `opsctl experiments certify` makes all")
    elif (elsewhere := _elsewhere(certificates)) is not None:
        hint(f"measured with {elsewhere}: `opsctl experiments certify` measures with those of this machine")
    if missing:
        print_line(f"not certified: {', '.join(missing)}")
        hint(f"`opsctl experiments certify {' '.join(missing)}`")


def _elsewhere(certificates: Sequence[Certificate]) -> str | None:
    """Return the numerical libraries that a certificate was measured with, where they are not those of this machine."""
    here = versions_here()
    for each in certificates:
        others = [
            f"{name} {version} (here {here[name]})"
            for name, version in sorted(each.versions.items())
            if name in ("numpy", "scipy") and version != here[name]
        ]
        if others:
            return " and ".join(others)
    return None


def _experiments(certificates: Sequence[Certificate]) -> str:
    counts = sorted({figure.replications for each in certificates for figure in each.figures})
    return " or ".join(f"{count:,}" for count in counts)


def _row(certificate: Certificate, columns: Sequence[Figure]) -> tuple[str, ...]:
    figures = {each.figure: each for each in certificate.figures}
    mark = "[green]✔ kept[/]" if certificate.is_green else "[red]✘ broken[/]"
    cells = (_cell(figures.get(column)) for column in columns)
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
