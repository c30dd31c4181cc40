"""Is an item waived, by whose word, and if that does not count: why?"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from opsctl.checklist.book import ChecklistBook
from opsctl.checklist.model import Waiver
from opsctl.checklist.signing import WAIVE_KIND, is_still, is_withdrawn, item_digest, said_why
from opsctl.core.units import parse_duration
from opsctl.evidence.model import Record


def waiver(
    code: str, *, book: ChecklistBook, records: Sequence[Record], now: datetime
) -> tuple[Waiver | None, str]:
    """Return the newest waiver of an item where it counts, else why it does not; empty where there never was one."""
    record = next((each for each in records if each.kind == WAIVE_KIND and each.subject == code), None)
    if record is None:
        return None, ""
    longest = record.recorded_at + timedelta(seconds=parse_duration(book.waivers.longest))
    ends = min(record.expires_at, longest)
    trouble = next(_troubles(record, ends, book=book, now=now), None)
    if trouble is not None:
        return None, trouble
    reason = str(record.figures.get("reason", ""))
    return Waiver(account=_account(record), reason=reason, record=record, expires_at=ends), ""


def _troubles(record: Record, ends: datetime, *, book: ChecklistBook, now: datetime) -> Iterator[str]:
    account = _account(record)
    if is_withdrawn(record):
        yield f"the waiver was withdrawn by `{account}`{said_why(record, 'reason')}"
    if account not in book.accounts or book.accounts[account].role not in book.waivers.roles:
        yield f"the waiver of `{account}` does not count: the book gives them no right to it"
    elif not is_still(account, record, book):
        yield f"the waiver of `{account}` does not count: the account is {book.accounts[account].name} now"
    if record.inputs.get("item") != item_digest(book.items[record.subject]):
        yield "the waiver does not count: the item has been rewritten since"
    if record.is_of_the_future(now):
        yield "the waiver does not count: it was given in the future, so a clock is wrong"
    if now >= ends:
        yield "the waiver is over"


def _account(record: Record) -> str:
    return str(record.figures.get("account", ""))
