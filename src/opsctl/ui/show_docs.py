"""How does a built site look: what is wrong with it, and its figures."""

from typing import TYPE_CHECKING

from opsctl.core.units import format_count
from opsctl.ui.console import hint, print_line

if TYPE_CHECKING:
    from opsctl.documentation.report import SiteReport


def show_build(report: "SiteReport", *, subject: str) -> None:
    """Print the findings to stderr, the figures and the place to stdout; `subject` is whose pages the record is of."""
    from opsctl.ui.places import from_here
    from opsctl.ui.show_error import show_findings

    show_findings(report.findings)
    counted = (
        f"{format_count(report.pages)} pages, {format_count(report.links)} links, "
        f"{format_count(report.commands)} commands, {len(report.compared)} rendered files"
    )
    if report.is_good:
        print_line(f"✔ {counted}: nothing is wrong")
    else:
        print_line(f"✘ {counted}: {len(report.findings)} problems")
        hint("`opsctl explain CODE` says more of each")
    if report.is_built:
        print_line(f"the site is in {from_here(str(report.place))}")
    if subject != "docs":
        hint(
            f"recorded as `{subject}`: these pages are opsctl's own, so they are no proof of this project's; "
            "its checklist may ask for another one, or be waived"
        )
