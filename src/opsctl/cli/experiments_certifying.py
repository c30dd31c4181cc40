"""What do the verbs that need certificates work with: the methods, what is certified now, and a certification."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opsctl.core.events import Listener
    from opsctl.experiments.certify.model import Certificate
    from opsctl.experiments.statistics.methods import Method


_QUICK = 10
"""So many times fewer experiments are in a look that certifies nothing."""


def chosen(names: Sequence[str]) -> "tuple[Method, ...]":
    """Return the methods of these names, or all.

    Raises:
        UsageError: EXP141 there is no such method.
    """
    from opsctl.core.errors import UsageError
    from opsctl.experiments.statistics.methods import Method

    known = {method.value: method for method in Method}
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            raise UsageError(
                f"no method is called `{name}`",
                code="EXP141",
                fix=f"did you mean `{close[0]}`?" if close else "opsctl experiments certify --list",
            )
    return tuple(known[name] for name in dict.fromkeys(names)) if names else tuple(Method)


def held(methods: "Sequence[Method]") -> "tuple[Certificate, ...]":
    """Return what is certified now, of these methods."""
    from opsctl.cli import ledger_health
    from opsctl.experiments.certify.document import CERTIFICATE_KIND, certificates_of
    from opsctl.experiments.certify.kept import shipped, valid

    own = certificates_of(ledger_health.sound_records(kind=CERTIFICATE_KIND))
    found = valid((*shipped(), *own))
    return tuple(found[method] for method in methods if method in found)


def measured(
    methods: "Sequence[Method]", *, is_quick: bool, listener: "Listener"
) -> "tuple[Certificate, ...]":
    """Certify methods one after the other; whole certificates are recorded as each is made."""
    from opsctl.cli import wiring
    from opsctl.core.events import PhaseAdvanced, PhaseFinished, PhaseStarted
    from opsctl.experiments.certify.document import certificate_evidence
    from opsctl.experiments.certify.promises import replications_of
    from opsctl.experiments.certify.run import all_trials
    from opsctl.experiments.certify.run import certify as run

    trials, found = all_trials(), []
    for method in methods:
        name, began = method.value, wiring.clock().now()
        count = replications_of(method) // (_QUICK if is_quick else 1)
        listener(PhaseStarted(subject=name, phase="certify", total=2 * count, unit="experiments"))

        def tell(done: int, *, name: str = name) -> None:
            listener(PhaseAdvanced(subject=name, phase="certify", advance=done))

        certificate = run(trials[method], replications=count, tell=tell)
        listener(
            PhaseFinished(
                subject=name,
                phase="certify",
                duration_seconds=certificate.seconds,
                figures={"promises": "kept" if certificate.is_green else "broken"},
            )
        )
        if not is_quick:
            wiring.record(certificate_evidence(certificate, started_at=began))
        found.append(certificate)
    return tuple(found)


def require_shippable(path: Path, *, methods: "Sequence[Method]", is_whole: bool) -> None:
    """Refuse to measure for a quarter of an hour what could then not be shipped.

    Raises:
        UsageError: EXP143 some methods only, or too few experiments: such a file would take certificates away.
        NotReadyError: FIL003 the file cannot be written.
    """
    from opsctl.clients.files import require_writable
    from opsctl.core.errors import UsageError
    from opsctl.experiments.statistics.methods import Method

    if not is_whole or set(methods) != set(Method):
        raise UsageError(
            "a release needs whole certificates of all methods",
            code="EXP143",
            why="a tenth of the experiments certifies nothing"
            if not is_whole
            else "those that are not named would be lost",
            fix=f"opsctl experiments certify --ship {path}",
        )
    require_writable(path)


def write(path: Path, certificates: "Sequence[Certificate]") -> None:
    """Write certificates for a release."""
    from opsctl.clients.files import write_atomically
    from opsctl.experiments.certify.kept import shipped_text

    write_atomically(path, shipped_text(certificates))


def write_markdown(path: Path, certificates: "Sequence[Certificate]") -> None:
    """Write the table of certificates between the marks of a page that people wrote.

    Raises:
        UsageError: EXP142 the page has no marks.
    """
    from opsctl.clients.files import read_text, write_atomically
    from opsctl.core.errors import UsageError
    from opsctl.core.marked_part import with_part
    from opsctl.ui.certificates_markdown import BEGIN, END, certificates_markdown

    page = with_part(read_text(path), certificates_markdown(certificates), begin=BEGIN, end=END)
    if page is None:
        raise UsageError(
            f"`{path}` has no place for certificates",
            code="EXP142",
            fix=f"put `{BEGIN}` and `{END}` where they belong",
        )
    write_atomically(path, page)
