"""Commands of `opsctl evidence`: what was proven, and is the record of it whole."""

from typing import Annotated

import typer

from opsctl.cli.options import Json, command, group
from opsctl.core.exit_codes import ExitCode

app = group("What was proven, when, from what, and for how long it counts.")


@command(app, "opsctl evidence list", "opsctl evidence list --kind collections --limit 5")
def list(
    kind: Annotated[
        str | None, typer.Option(metavar="KIND", help="Kind or family, such as collections.rebuild or bench.")
    ] = None,
    subject: Annotated[
        str | None, typer.Option(metavar="NAME", help="What it is about, such as a collection.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most this many, newest first.")] = 20,
    json: Json = False,
) -> None:
    """List evidence, the newest first."""
    from opsctl.cli import wiring
    from opsctl.cli.document import document
    from opsctl.cli.ledger_health import tell_if_damaged
    from opsctl.ui.console import print_document
    from opsctl.ui.show_evidence import show_records

    tell_if_damaged()
    records = wiring.ledger().records(kind=kind, subject=subject, limit=limit)
    if json:
        print_document(document("opsctl.evidence.list", data=records, ok=True))
    else:
        show_records(records, now=wiring.clock().now())


@command(app, "opsctl evidence show 3", "opsctl evidence show 20261122T1830 --json")
def show(
    record: Annotated[str, typer.Argument(help="Beginning of an id or digest, or the sequence number.")],
    json: Json = False,
) -> None:
    """Show one record whole."""
    from opsctl.cli import wiring
    from opsctl.cli.document import document
    from opsctl.ui.console import print_document
    from opsctl.ui.show_evidence import show_record

    found = wiring.ledger().find(record)
    if json:
        print_document(document("opsctl.evidence.show", data=found, ok=True))
    else:
        show_record(found, now=wiring.clock().now())


@command(app, "opsctl evidence verify")
def verify(json: Json = False) -> None:
    """Walk the hash chain: every changed, removed, added or torn record is found."""
    from opsctl.cli import wiring
    from opsctl.cli.document import document
    from opsctl.cli.exit import leave
    from opsctl.ui.console import print_document
    from opsctl.ui.show_evidence import show_verification

    verification = wiring.ledger().verify()
    if json:
        print_document(
            document(
                "opsctl.evidence.verify",
                data=verification,
                ok=verification.ok,
                findings=verification.findings,
            )
        )
    else:
        show_verification(verification)
    leave(ExitCode.GOOD if verification.ok else ExitCode.BAD_VERDICT)
