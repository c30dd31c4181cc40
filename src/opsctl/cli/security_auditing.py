"""With what does `opsctl security audit` work: the project's files, programs, database, service and machine, as they are."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.core.errors import OpsError
from opsctl.core.events import Listener

if TYPE_CHECKING:
    from opsctl.clients.programs import ProgramEnd
    from opsctl.security.audit import Audit
    from opsctl.security.context import Context
    from opsctl.security.model import SecurityCheck
    from opsctl.security.waiver_book import WaiverBook


def load_waivers() -> "WaiverBook":
    """Return the book of waivers; none where there is no file.

    Raises:
        UsageError: the book is wrong, with its places, or SEC091 it names a check that does not exist.
    """
    from opsctl.cli import wiring
    from opsctl.config.load import is_missing, load_book
    from opsctl.security.registry import CHECKS
    from opsctl.security.waiver_book import WaiverBook
    from opsctl.security.waivers import require_known

    named = wiring.settings().project.books.waivers
    path = wiring.settings().root / named
    book = WaiverBook() if is_missing(path) else load_book(path, WaiverBook)
    require_known(book, codes=[check.code for check in CHECKS], file=named)
    return book


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """An audit, and why its proof could not be kept: a ledger that is broken must not hide what else was found."""

    audit: "Audit"
    unrecorded: OpsError | None


def run_audit(checks: "Sequence[SecurityCheck]", *, is_part: bool, listener: Listener) -> Audited:
    """Ask the checks, and add the proof to the ledger; a part of them has a subject of its own there."""
    from opsctl.cli import wiring
    from opsctl.security.audit import audit
    from opsctl.security.proof import evidence_of

    book = load_waivers()
    with _context(listener) as context:
        _tell_of_an_empty_catalogue(context, checks)
        found = audit(checks, context=context, waivers=book.waivers, clock=wiring.clock(), listener=listener)
        evidence = evidence_of(
            found, only=checks if is_part else (), inputs=_inputs(context), started_at=context.now
        )
    try:
        wiring.record(evidence)
    except OpsError as error:
        return Audited(audit=found, unrecorded=error)
    return Audited(audit=found, unrecorded=None)


def write_outputs(audit: "Audit", *, sarif: Path | None, junit: Path | None) -> None:
    """Write the files that were asked for."""
    from opsctl import __version__
    from opsctl.cli.report_files import write_reports
    from opsctl.security.junit import to_junit
    from opsctl.security.sarif import to_sarif

    write_reports(
        (sarif, lambda: to_sarif(audit, version=__version__)),
        (junit, lambda: to_junit(audit)),
    )


def _tell_of_an_empty_catalogue(context: "Context", checks: "Sequence[SecurityCheck]") -> None:
    """Say once, before the probes do so one by one, that most of them will not be able to tell."""
    from opsctl.security.probing.readiness import is_without_catalogue
    from opsctl.security.registry import is_probe
    from opsctl.ui.console import warn

    if not any(is_probe(check) for check in checks):
        return
    with suppress(OpsError):  # that no service answers is what each probe says
        if is_without_catalogue(context):
            warn(
                "the catalogue is empty, so probes of feeds cannot tell: fill it first, with `opsctl catalog generate`"
            )


@contextmanager
def _context(listener: Listener) -> "Iterator[Context]":
    import os

    from opsctl.cli import wiring
    from opsctl.cli.security_live import AuditedDatabase, AuditedServers, AuditedService
    from opsctl.cli.security_machine import AuditedMachine
    from opsctl.cli.security_secrets import secret_sources
    from opsctl.security.context import Context

    settings = wiring.settings()
    with ExitStack() as exit_stack:
        servers = AuditedServers(listener, exit_stack=exit_stack)
        yield Context(
            settings=settings,
            environment=os.environ,
            now=wiring.clock().now(),
            commands=_Programs(settings.root),
            database=AuditedDatabase(servers),
            service=AuditedService(servers),
            machine=AuditedMachine(settings.home),
            secrets=secret_sources(),
            books=_books(),
            verify_ledger=lambda: wiring.ledger().verify(),
        )


class _Programs:
    """Runs programs in the project's folder, without opsctl's secrets in their environment."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def run(
        self,
        argv: Sequence[str],
        *,
        seconds: float,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> "ProgramEnd":
        """Run a program to its end."""
        import os

        from opsctl.clients.programs import run_program
        from opsctl.config.settings import SECRET_VARIABLES

        own = {name: value for name, value in os.environ.items() if name not in SECRET_VARIABLES}
        return run_program(
            argv,
            seconds=seconds,
            folder=folder or self._root,
            environment=own if environment is None else environment,
        )


def _books() -> tuple[Path, ...]:
    """Return every book that is there, relative to the project."""
    from opsctl.cli import wiring
    from opsctl.config.settings import PROJECT_FILE

    root = wiring.settings().root
    found = [root / PROJECT_FILE]
    for name in wiring.settings().project.books.model_dump().values():
        path = root / name
        found += sorted(path.rglob("*.yaml")) if path.is_dir() else [path]
    return tuple(path.relative_to(root) for path in found if path.is_file() and path.is_relative_to(root))


def _inputs(context: "Context") -> dict[str, str]:
    """Return the digest of every book: a change of any may change an answer."""
    import hashlib

    from opsctl.clients.special_files import read_bytes

    return {
        str(path): hashlib.sha256(read_bytes(context.root / path, most=None)).hexdigest()
        for path in context.books
    }
