"""How is the site built: in a folder of its own, looked through, and only then put where it was asked for."""

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.core.errors import NotReadyError, UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from opsctl.documentation.report import SiteReport

CONFIG = "mkdocs.yml"
_BUILDING = ".opsctl-site-"
_LEFT_BEHIND_SECONDS = 3600.0
_MADE_BY_MKDOCS = '<meta name="generator" content="mkdocs-'


def build(out: Path | None) -> "SiteReport":
    """Build, check, put in its place, and record the evidence.

    Raises:
        NotReadyError: DOC001 MkDocs is missing, DOC002 the pages are not here, FIL003 a folder cannot be written.
        UsageError: DOC007 the folder holds something else.
    """
    import time

    from opsctl.cli import wiring
    from opsctl.clients.mkdocs import require_mkdocs

    checkout = checkout_with_pages()
    require_mkdocs()
    place = (out or checkout / "site").absolute()
    _require_a_place(place)
    began_at, began = wiring.clock().now(), time.monotonic()
    report = _built(checkout, place)
    _record(report, checkout=checkout, began_at=began_at, seconds=time.monotonic() - began)
    return report


def checkout_with_pages() -> Path:
    """Return the checkout that this opsctl runs from.

    Raises:
        NotReadyError: DOC002 it runs from an installed package.
    """
    from opsctl import assets

    root = assets.root()
    if not (root / CONFIG).is_file() or not (root / "docs" / "README.md").is_file():
        raise NotReadyError(
            "the pages of the documentation are not here",
            code="DOC002",
            why=f"this opsctl runs from {root}, which is no checkout: there is no `{CONFIG}` with its pages",
            fix="clone the repository, and there: make setup && .venv/bin/opsctl docs build",
        )
    return root


def pages_of(checkout: Path) -> dict[Path, str]:
    """Return the text of every page that people read: those of the site, and those at the top."""
    from opsctl.clients.files import read_text

    paths = [*sorted(checkout.glob("*.md")), *sorted((checkout / "docs").rglob("*.md"))]
    return {path: read_text(path) for path in paths}


def subject_of(checkout: Path, *, project: Path) -> str:
    """Return whose documentation it is: that of the project we stand in, or opsctl's own, which is no proof of another's."""
    return "docs" if checkout.resolve() == project.resolve() else "docs of opsctl"


def subject_here() -> str:
    """Return whose documentation a build is of, as it stands in the ledger."""
    from opsctl.cli import wiring

    return subject_of(checkout_with_pages(), project=wiring.settings().root)


def document_of(report: "SiteReport") -> dict[str, Any]:
    """Return a report as values for a document."""
    return {
        "folder": report.place,
        "is_built": report.is_built,
        **_figures(report),
        "rendered": {each.page.path: each.state for each in report.compared},
    }


def _built(checkout: Path, place: Path) -> "SiteReport":
    from opsctl.cli.documented import check_commands
    from opsctl.cli.generated_pages import generated_pages
    from opsctl.clients.mkdocs import build_site
    from opsctl.documentation.drift import compare, drift_findings
    from opsctl.documentation.report import SiteReport, site_findings
    from opsctl.documentation.site import look_at_site

    said = check_commands(pages_of(checkout), root=checkout)
    compared = tuple(compare(generated_pages(), read=lambda path: _text(checkout / path)))
    folder = _folder_beside(place)
    try:
        answer = build_site(checkout / CONFIG, out=folder)
        look = look_at_site(_files(folder))
        if answer.is_built:
            _put(folder, place)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    warnings = answer.warnings or (() if answer.is_built else (answer.text.strip() or "MkDocs said nothing",))
    return SiteReport(
        place=place,
        is_built=answer.is_built,
        pages=look.pages,
        links=look.links,
        commands=said.commands,
        compared=compared,
        findings=(*site_findings(look, warnings=warnings), *said.findings, *drift_findings(compared)),
    )


def _require_a_place(place: Path) -> None:
    """Refuse a folder that holds something else: it would be emptied."""
    if not place.exists() and not place.is_symlink():
        return
    index = place / "index.html"
    is_free = place.is_dir() and not place.is_symlink()
    if is_free and (not any(place.iterdir()) or _MADE_BY_MKDOCS in (_text(index) or "")):
        return
    raise UsageError(
        f"`{place}` holds something that is no site, and would be emptied",
        code="DOC007",
        fix="name a new folder: opsctl docs build --out DIR",
    )


def _folder_beside(place: Path) -> Path:
    """Return a new folder on the same disk; one that a killed build has left an hour ago or longer is removed."""
    import time

    from opsctl.clients.files import file_error

    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        for old in place.parent.glob(f"{_BUILDING}{place.name}-*"):
            if time.time() - old.stat().st_mtime > _LEFT_BEHIND_SECONDS:
                shutil.rmtree(old, ignore_errors=True)
        return Path(tempfile.mkdtemp(prefix=f"{_BUILDING}{place.name}-", dir=place.parent))
    except OSError as error:
        raise file_error(error, path=place, doing="write") from error


def _put(folder: Path, place: Path) -> None:
    """Let the new site take the place of the old one as a whole."""
    folder.chmod(0o755)  # a temporary folder is for its owner only
    if place.exists():
        old = Path(tempfile.mkdtemp(prefix=f"{_BUILDING}{place.name}-", dir=place.parent))
        place.rename(old / "old")
        folder.rename(place)
        shutil.rmtree(old, ignore_errors=True)
    else:
        folder.rename(place)


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else None


def _figures(report: "SiteReport") -> dict[str, int]:
    return {
        "pages": report.pages,
        "links": report.links,
        "commands": report.commands,
        "drifted": report.drifted,
        "unknown": report.unknown,
        "problems": len(report.findings),
    }


def _record(report: "SiteReport", *, checkout: Path, began_at: "datetime", seconds: float) -> None:
    from opsctl.cli import wiring
    from opsctl.clients.mkdocs import mkdocs_versions
    from opsctl.core.exit_codes import ExitCode
    from opsctl.evidence.model import Evidence, Verdict, digest_of

    verdicts = {ExitCode.GOOD: Verdict.PASS, ExitCode.INCONCLUSIVE: Verdict.INCONCLUSIVE}
    pages = {str(path.relative_to(checkout)): text for path, text in pages_of(checkout).items()}
    wiring.record(
        Evidence(
            kind="docs.build",
            subject=subject_of(checkout, project=wiring.settings().root),
            verdict=verdicts.get(report.exit_code, Verdict.FAIL),
            figures=_figures(report),
            inputs={"pages": digest_of(pages), CONFIG: digest_of(_text(checkout / CONFIG))},
            tools=mkdocs_versions(),
            started_at=began_at,
            duration_seconds=round(seconds, 1),
        )
    )
