"""Can what the evidence ledger says be believed: told beside any list that rests on it."""


def tell_if_damaged() -> None:
    """Say in one line that the ledger fails its verification; nothing where it does not."""
    from opsctl.cli import wiring
    from opsctl.core.errors import OpsError
    from opsctl.core.findings import Severity
    from opsctl.ui.console import warn

    try:
        found = [each.title for each in wiring.ledger().verify().findings if each.severity is Severity.ERROR]
    except OpsError as error:
        found = [error.message]
    if found:
        warn(f"the evidence ledger is damaged: {found[0]}; `opsctl evidence verify` says more")


def require_whole() -> None:
    """Refuse to rest a verdict on a ledger that was changed: its figures may be whatever somebody wrote there.

    Raises:
        FailedError: EVD001 the chain is broken, with every finding.
    """
    from opsctl.cli import wiring
    from opsctl.core.errors import FailedError
    from opsctl.core.findings import Severity

    checked = wiring.ledger().verify()
    if checked.ok:
        return
    broken = [each for each in checked.findings if each.severity is Severity.ERROR]
    raise FailedError(
        "the evidence ledger does not verify, so its figures count for nothing",
        code="EVD001",
        why=f"{len(broken)} {'place is' if len(broken) == 1 else 'places are'} broken, the first: {broken[0].title}",
        findings=broken,
        fix="run `opsctl evidence verify`; restore the ledger from a backup, or move it away and measure anew",
    )
