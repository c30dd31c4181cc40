"""How do certificates look in a page of Markdown: written by the tool, between marks, never by hand."""

from collections.abc import Iterable, Mapping, Sequence

from opsctl.core.markdown_table import markdown_table
from opsctl.experiments.certify.document import id_of
from opsctl.experiments.certify.model import Certificate, Figure, Measured
from opsctl.ui.show_certificates import is_of_verdicts

BEGIN = "<!-- certificates:begin (opsctl experiments certify --list --markdown FILE) -->"
END = "<!-- certificates:end -->"
_COLUMNS = {
    Figure.FALSE_FINDINGS: "false findings",
    Figure.UNIFORMITY: "uniform, p",
    Figure.COVERAGE: "coverage",
    Figure.LIFT_COVERAGE: "of the lift",
    Figure.POWER: "power, beside the formula",
}
_VERDICT_COLUMNS = {
    Figure.SHIPPED_FOR_NOTHING: "ships what does nothing",
    Figure.SHIPPED_LIFTS: "ships the lift that was planned for",
    Figure.SHIPPED_HARM: "ships what breaks a guardrail",
}


def certificates_markdown(certificates: Sequence[Certificate]) -> str:
    """Return the tables, of methods and of whole analyses, ending with a newline."""
    methods = [each for each in certificates if not is_of_verdicts(each)]
    verdicts = [each for each in certificates if is_of_verdicts(each)]
    tables = [_table("method", _COLUMNS, methods)] if methods or not verdicts else []
    if verdicts:
        tables.append(_table("whole analyses", _VERDICT_COLUMNS, verdicts))
    return "\n\n".join(tables) + "\n"


def _table(title: str, columns: Mapping[Figure, str], certificates: Sequence[Certificate]) -> str:
    titles = (title, *columns.values(), "experiments", "certificate")
    return markdown_table(titles, (_row(each, columns) for each in certificates))


def _row(certificate: Certificate, columns: Iterable[Figure]) -> list[str]:
    figures = {figure.figure: figure for figure in certificate.figures}
    counts = max(figure.replications for figure in certificate.figures)
    cells = [_cell(figures.get(column)) for column in columns]
    return [f"`{certificate.method.value}`", *cells, f"{counts:,}", f"`{id_of(certificate)}`"]


def _cell(figure: Measured | None) -> str:
    if figure is None:
        return ""
    match figure.figure:
        case Figure.FALSE_FINDINGS | Figure.SHIPPED_FOR_NOTHING | Figure.SHIPPED_LIFTS | Figure.SHIPPED_HARM:
            return f"{100 * figure.value:.2f} % ({_bounds(figure)})"
        case Figure.UNIFORMITY:
            return f"{figure.value:.3f}"
        case Figure.POWER:
            return f"{100 * figure.value:+.1f} pp"
        case _:
            return f"{100 * figure.value:.2f} %"


def _bounds(figure: Measured) -> str:
    """Return between what the figure must lie, in percent: of other figures than these it is the same for all."""
    if figure.high is None:
        return f"at least {100 * (figure.low or 0.0):.2f}"
    high = f"{100 * figure.high:.2f}"
    return f"at most {high}" if figure.low is None else f"{100 * figure.low:.2f} to {high}"
