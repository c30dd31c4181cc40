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
