"""What has come of building the site: figures, findings and the verdict."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from opsctl.core.exit_codes import ExitCode
from opsctl.core.findings import Finding, Location, Severity
from opsctl.documentation.drift import Compared, State
from opsctl.documentation.site import SiteLook


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteReport:
    """A site that was built, or could not be for what is wrong with its pages."""

    place: Path
    is_built: bool
    pages: int
    links: int
    commands: int
    compared: tuple[Compared, ...]
    findings: tuple[Finding, ...]

    @property
    def drifted(self) -> int:
        """Return how many rendered pages are not what the code renders."""
        return sum(each.state is State.DRIFTED for each in self.compared)

    @property
    def unknown(self) -> int:
        """Return of how many rendered pages nobody can tell."""
        return sum(each.state is State.UNKNOWN for each in self.compared)

    @property
    def is_good(self) -> bool:
        """Tell whether all is proven to be right."""
        return self.exit_code is ExitCode.GOOD

    @property
    def exit_code(self) -> ExitCode:
        """Return how the command ends; what could not be told is no pass."""
        if not self.is_built or any(each.severity is Severity.ERROR for each in self.findings):
            return ExitCode.BAD_VERDICT
        return ExitCode.INCONCLUSIVE if self.unknown else ExitCode.GOOD


def site_findings(look: SiteLook, *, warnings: Sequence[str]) -> tuple[Finding, ...]:
    """Return what MkDocs warned of, which links of the built site lead nowhere, and what it asks of other hosts."""
    dead = [_error("DOC003", f"`{each.what}` leads nowhere", file=each.page) for each in look.dead]
    outside = [
        _error("DOC006", f"`{each.what}` is fetched from another host", file=each.page)
        for each in look.outside
    ]
    return (*(_error("DOC003", warning) for warning in warnings), *dead, *outside)


def _error(code: str, title: str, *, file: str | None = None) -> Finding:
    return Finding(
        code=code,
        severity=Severity.ERROR,
        title=title,
        location=Location(file=file) if file else None,
    )
