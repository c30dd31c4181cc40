"""Who signed an item, and does it still count; and what is kept of a signature, a waiver, and their withdrawal?"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from opsctl.checklist.book import ChecklistBook, Item
from opsctl.checklist.model import Present, Signature
from opsctl.core.units import format_age, parse_duration
from opsctl.evidence.model import Evidence, Record, Verdict, digest_of

SIGN_KIND, WAIVE_KIND = "checklist.sign", "checklist.waive"


def item_digest(item: Item) -> str:
    """Return what changes when anything of an item does: a signature is for the text that was read."""
    return digest_of(item.model_dump(mode="json"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Who says it, and the user of the machine that ran the command: a name on a command line is no password."""

    account: str
    name: str
    role: str
    user: str
    host: str

    def figures(self) -> dict[str, str]:
        """Return what goes into the record."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What somebody says of an item, and for how long it is to hold; or that what they said holds no more."""

    code: str
    item: Item
    signer: Signer
    text: str
    at: datetime
    valid_for: timedelta
    withdraws: bool = False


def signature_evidence(word: Word) -> Evidence:
    """Return the proof that somebody signed."""
    return _evidence(SIGN_KIND, word, {"note": word.text})


def waiver_evidence(word: Word) -> Evidence:
    """Return the proof that somebody set an item aside; its verdict says nothing of the item."""
    return _evidence(WAIVE_KIND, word, {"reason": word.text})


def _evidence(kind: str, word: Word, said: dict[str, str]) -> Evidence:
    return Evidence(
        kind=kind,
        subject=word.code,
        verdict=Verdict.PASS,
        figures=word.signer.figures()
        | {"item": word.item.title}
        | said
        | ({"withdrawn": True} if word.withdraws else {}),
        inputs={"item": item_digest(word.item)},
        tools={},
        started_at=word.at,
        duration_seconds=0.0,
        valid_for=word.valid_for,
    )


def signatures(
    code: str, *, book: ChecklistBook, records: Sequence[Record], present: Present, now: datetime
) -> tuple[Signature, ...]:
    """Return the newest signature of each account, the newest first, with why it does not count, if it does not."""
    item = book.items[code]
    if item.sign is None:
        return ()
    newest: dict[str, Record] = {}
    for record in records:
        if record.kind == SIGN_KIND and record.subject == code:
            newest.setdefault(str(record.figures.get("account", "")), record)
    found = []
    for account, record in newest.items():
        ends = min(
            record.expires_at, record.recorded_at + timedelta(seconds=parse_duration(item.sign.expires))
        )
        found.append(
            Signature(
                account=account,
                role=book.accounts[account].role if account in book.accounts else "",
                record=record,
                trouble=_trouble_by_itself(record, ends, now=now)
                or next(_troubles(account, record, item, book, present=present), ""),
                expires_at=ends,
            )
        )
    return tuple(found)


def _trouble_by_itself(record: Record, ends: datetime, *, now: datetime) -> str:
    """Return why a signature counts no more, whatever the project is now; empty where it does."""
    if is_withdrawn(record):
        return f"it was withdrawn{said_why(record, 'note')}"
    if record.is_of_the_future(now):
        return "it was given in the future: a clock is wrong"
    return f"it held until {format_age((now - ends).total_seconds())} ago" if now >= ends else ""


def _troubles(
    account: str, record: Record, item: Item, book: ChecklistBook, *, present: Present
) -> Iterator[str]:
    signing = item.sign
    if signing is None:
        return
    if account not in book.accounts:
        yield f"there is no account `{account}` any more"
    elif not is_still(account, record, book):
        yield f"the account `{account}` is {book.accounts[account].name} now"
    elif book.accounts[account].role not in signing.roles:
        yield f"`{account}` is {book.accounts[account].role} now, who does not sign this"
    if record.inputs.get("item") != item_digest(item):
        yield "the item has been rewritten since"
    here = present.commit()
    if signing.same_commit and (here != record.git_commit or here is None or here.endswith("+changes")):
        then = (record.git_commit or "no commit")[:12]
        yield f"it is for {then}, and the project is at {_named(here)}"


def is_withdrawable(kind: str, code: str, *, records: Sequence[Record], account: str | None = None) -> bool:
    """Tell whether something was said that was not withdrawn since, whether or not it counts as things are now.

    Args:
        kind: a signature, or a waiver.
        code: of the item.
        records: of the ledger, the newest first.
        account: whose; None for anybody's.
    """
    said = (
        record
        for record in records
        if (record.kind, record.subject) == (kind, code)
        and (account is None or record.figures.get("account") == account)
    )
    newest = next(said, None)
    return newest is not None and not is_withdrawn(newest)


def is_withdrawn(record: Record) -> bool:
    """Tell whether the record takes back what was said before; it does so for good, and whoever gave it."""
    return record.figures.get("withdrawn", False) is not False


def said_why(record: Record, name: str) -> str:
    """Return the text of a record, to be put behind what was done."""
    said = str(record.figures.get(name, ""))
    return f": {said}" if said else ""


def is_still(account: str, record: Record, book: ChecklistBook) -> bool:
    """Tell whether an account is of whoever used it then: one that was handed on takes no word of its former owner along."""
    return record.figures.get("name") == book.accounts[account].name


def _named(commit: str | None) -> str:
    if commit is None:
        return "no commit"
    return f"{commit[:12]} with changes" if commit.endswith("+changes") else commit[:12]
