"""The commands `opsctl checklist sign` and `waive`: what people say of an item, kept with who said it and until when."""

from typing import Annotated

import typer

from opsctl.cli.options import DryRun, Json, command

_Item = Annotated[str, typer.Argument(metavar="ITEM", help="Of the checklist, by name or code.")]
_As = Annotated[str, typer.Option("--as", metavar="NAME", help="An account of the checklist's book.")]


def register(app: typer.Typer) -> None:
    """Add the verbs to the group `checklist`."""
    command(
        app,
        "opsctl checklist sign training --as operations",
        "opsctl checklist sign CHK008 --as operations --note 'three' --expires 30d",
        "opsctl checklist sign training --as operations --withdraw",
    )(sign)
    command(
        app,
        "opsctl checklist waive nps --as owner --reason 'no survey yet' --expires 30d",
        "opsctl checklist waive nps --as owner --reason 'no survey' --expires 2w -n",
        "opsctl checklist waive nps --as owner --reason 'it is done' --withdraw",
    )(waive)


def sign(
    item: _Item,
    *,
    account: _As,
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="What to remember beside it.")] = "",
    expires: Annotated[
        str | None, typer.Option("--expires", metavar="TIME", help="Sooner than the book says, such as 30d.")
    ] = None,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Take your signature back; the note says why.")
    ] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Sign an item that people have to sign; evidence that it also needs is not replaced by that.

    The signature is for the text of the item as it stands, and for the commit that is checked out. Exit 4: the account may
    not sign it, or there are changes that are not committed.
    """
    from opsctl.cli import checklist_signing

    if withdraw:
        _require_no_time(expires)
        checklist_signing.withdraw_signature(item, account=account, note=note, dry_run=dry_run, json=json)
        return
    checklist_signing.sign(item, account=account, note=note, expires=expires, dry_run=dry_run, json=json)


def waive(
    item: _Item,
    *,
    account: _As,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why it may wait.")],
    expires: Annotated[
        str | None, typer.Option("--expires", metavar="TIME", help="When that ends, 90d at most.")
    ] = None,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="End the waiver that there is, instead.")
    ] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Set an item aside for a while. It is shown as waived, with who, why and until when, and what it would be without.

    What was waived is withdrawn by anybody who may waive; the ledger keeps both. Exit 4: the account may not waive.
    """
    from opsctl.cli import checklist_signing

    if withdraw:
        _require_no_time(expires)
        checklist_signing.withdraw_waiver(item, account=account, reason=reason, dry_run=dry_run, json=json)
        return
    if expires is None:
        raise typer.BadParameter("say until when, such as 30d", param_hint="--expires")
    checklist_signing.waive(item, account=account, reason=reason, expires=expires, dry_run=dry_run, json=json)


def _require_no_time(expires: str | None) -> None:
    if expires is not None:
        raise typer.BadParameter("what is withdrawn ends at once", param_hint="--expires")
