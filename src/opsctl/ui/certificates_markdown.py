"""How do certificates look in a page of Markdown: written by the tool, between marks, never by hand."""

from collections.abc import Iterator, Sequence

from opsctl.experiments.certify.document import id_of
from opsctl.experiments.certify.model import Certificate, Figure, Measured

BEGIN = "<!-- certificates:begin (opsctl experiments certify --list --markdown FILE) -->"
END = "<!-- certificates:end -->"
_COLUMNS = {
    Figure.FALSE_FINDINGS: "false findings",
    Figure.UNIFORMITY: "uniform, p",
    Figure.COVERAGE: "coverage",
    Figure.LIFT_COVERAGE: "of the lift",
    Figure.POWER: "power, beside the formula",
}


def certificates_markdown(certificates: Sequence[Certificate]) -> str:
    """Return the table, ending with a newline."""
    return "\n".join(_lines(certificates)) + "\n"


def _lines(certificates: Sequence[Certificate]) -> Iterator[str]:
    titles = ("method", *_COLUMNS.values(), "experiments", "certificate")
    yield _row(titles)
    yield _row(["---"] * len(titles))
    for each in certificates:
        figures = {figure.figure: figure for figure in each.figures}
        counts = max(figure.replications for figure in each.figures)
        cells = [_cell(figures.get(column)) for column in _COLUMNS]
        yield _row([f"`{each.method.value}`", *cells, f"{counts:,}", f"`{id_of(each)}`"])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(figure: Measured | None) -> str:
    if figure is None:
        return ""
    match figure.figure:
        case Figure.FALSE_FINDINGS:
            return f"{100 * figure.value:.2f} % ({_bounds(figure)})"
        case Figure.UNIFORMITY:
            return f"{figure.value:.3f}"
        case Figure.POWER:
            return f"{100 * figure.value:+.1f} pp"
        case _:
            return f"{100 * figure.value:.2f} %"


def _bounds(figure: Measured) -> str:
    """Return between what the figure must lie, in percent: of other figures than this one it is the same for all."""
    high = f"{100 * (figure.high or 0.0):.2f}"
    return f"at most {high}" if figure.low is None else f"{100 * figure.low:.2f} to {high}"
