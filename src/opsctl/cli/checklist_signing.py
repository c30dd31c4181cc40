"""How is a signature or a waiver checked, kept and shown?"""

from datetime import timedelta
from typing import TYPE_CHECKING

from opsctl.core.errors import RefusedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opsctl.checklist.book import ChecklistBook
    from opsctl.checklist.signing import Signer, Word
    from opsctl.evidence.model import Evidence

_MOST_CHARACTERS = 500
_NO_ROOM_FOR = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def sign(named: str, *, account: str, note: str, expires: str | None, dry_run: bool, json: bool) -> None:
    """Sign an item."""
    from opsctl.checklist.signing import Word, signature_evidence
    from opsctl.cli import checklist_books, wiring

    book = checklist_books.book()
    code = checklist_books.code_of(book, named)
    item = book.items[code]
    if item.sign is None:
        raise UsageError(
            f"`{item.name}` is not signed: it rests on evidence",
            code="CHK105",
            fix=f"make the evidence: opsctl checklist run --refresh --only {item.name}",
        )
    signer = signer_of(book, account, roles=item.sign.roles, doing=f"sign `{item.name}`")
    if item.sign.same_commit:
        _require_commit(item.name)
    word = Word(
        code=code,
        item=item,
        signer=signer,
        text=checked_text(note, what="--note", may_be_empty=True),
        at=wiring.clock().now(),
        valid_for=time_of(expires or item.sign.expires, longest=item.sign.expires),
    )
    _keep("sign", word, signature_evidence(word), dry_run=dry_run, json=json)


def waive(named: str, *, account: str, reason: str, expires: str, dry_run: bool, json: bool) -> None:
    """Set an item aside."""
    from opsctl.checklist.signing import Word, waiver_evidence
    from opsctl.cli import checklist_books, wiring

    book = checklist_books.book()
    code = checklist_books.code_of(book, named)
    item = book.items[code]
    word = Word(
        code=code,
        item=item,
        signer=signer_of(book, account, roles=book.waivers.roles, doing=f"waive `{item.name}`"),
        text=checked_text(reason, what="--reason"),
        at=wiring.clock().now(),
        valid_for=time_of(expires, longest=book.waivers.longest),
    )
    _keep("waive", word, waiver_evidence(word), dry_run=dry_run, json=json)


def withdraw_signature(named: str, *, account: str, note: str, dry_run: bool, json: bool) -> None:
    """Take a signature back; only whoever gave it may."""
    from opsctl.checklist.signing import SIGN_KIND, is_withdrawable, signature_evidence
    from opsctl.cli import checklist_books

    book = checklist_books.book()
    code = checklist_books.code_of(book, named)
    item = book.items[code]
    roles = () if item.sign is None else item.sign.roles
    signer = signer_of(book, account, roles=roles, doing=f"sign `{item.name}`")
    word = _withdrawal(book, code, signer=signer, text=checked_text(note, what="--note", may_be_empty=True))
    if not is_withdrawable(SIGN_KIND, code, records=checklist_books.verified_records(), account=account):
        raise _nothing_to_withdraw(f"`{account}` has not signed `{item.name}`", item.name)
    _keep("sign", word, signature_evidence(word), dry_run=dry_run, json=json)


def withdraw_waiver(named: str, *, account: str, reason: str, dry_run: bool, json: bool) -> None:
    """End a waiver before its time; anybody who may waive may do that, too."""
    from opsctl.checklist.signing import WAIVE_KIND, is_withdrawable, waiver_evidence
    from opsctl.cli import checklist_books

    book = checklist_books.book()
    code = checklist_books.code_of(book, named)
    item = book.items[code]
    signer = signer_of(book, account, roles=book.waivers.roles, doing=f"waive `{item.name}`")
    word = _withdrawal(book, code, signer=signer, text=checked_text(reason, what="--reason"))
    if not is_withdrawable(WAIVE_KIND, code, records=checklist_books.verified_records()):
        raise _nothing_to_withdraw(f"`{item.name}` is not waived", item.name)
    _keep("waive", word, waiver_evidence(word), dry_run=dry_run, json=json)


def _withdrawal(book: "ChecklistBook", code: str, *, signer: "Signer", text: str) -> "Word":
    from opsctl.checklist.signing import Word
    from opsctl.cli import wiring

    return Word(
        code=code,
        item=book.items[code],
        signer=signer,
        text=text,
        at=wiring.clock().now(),
        valid_for=time_of(book.waivers.longest, longest=book.waivers.longest),
        withdraws=True,
    )


def _nothing_to_withdraw(message: str, name: str) -> UsageError:
    return UsageError(message, code="CHK113", fix=f"see what was said: opsctl checklist run --only {name}")


def signer_of(book: "ChecklistBook", account: str, *, roles: "Sequence[str]", doing: str) -> "Signer":
    """Return who says it, with the user and the machine that this command runs as.

    Raises:
        UsageError: CHK103 there is no such account.
        RefusedError: CHK104 its role may not.
    """
    import platform

    from opsctl.checklist.signing import Signer
    from opsctl.cli import checklist_books

    found = checklist_books.account(book, account, roles=roles, doing=doing)
    return Signer(account=account, name=found.name, role=found.role, user=_user(), host=platform.node())


def checked_text(text: str, *, what: str, may_be_empty: bool = False) -> str:
    """Return a text fit for the ledger.

    Raises:
        UsageError: CHK111 it is empty, too long, or has characters that no terminal shows.
    """
    kept = text.strip()
    is_readable = all(character.isprintable() and character not in _NO_ROOM_FOR for character in kept)
    if (kept or may_be_empty) and len(kept) <= _MOST_CHARACTERS and is_readable:
        return kept
    why = "is empty" if not kept else "is longer than 500 characters" if is_readable else "is no line of text"
    raise UsageError(
        f"`{what}` {why}", code="CHK111", fix="give one line of 1 to 500 characters; it stays in the ledger"
    )


def time_of(text: str, *, longest: str) -> timedelta:
    """Return for how long something is to hold.

    Raises:
        UsageError: CHK106 it is no time, none at all, or longer than the book allows.
    """
    from opsctl.core.units import parse_duration

    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise UsageError(f"`--expires`: {error}", code="CHK106", fix="write it as `30d` or `12h`") from error
    if not 0 < seconds <= parse_duration(longest):
        raise UsageError(
            f"`--expires {text}` is {'no time' if seconds <= 0 else 'too long'}",
            code="CHK106",
            why=f"the checklist's book allows {longest} at most",
            fix=f"--expires {longest}, or less",
        )
    return timedelta(seconds=seconds)


def _require_commit(name: str) -> None:
    from opsctl.cli import wiring
    from opsctl.clients.git import read_commit

    commit = read_commit(wiring.settings().root)
    if commit is not None and not commit.endswith("+changes"):
        return
    raise RefusedError(
        f"`{name}` is signed for a commit, and {'there is none' if commit is None else 'files differ from it'}",
        code="CHK107",
        why="nobody could tell later what was signed",
        fix="commit the changes: git status" if commit else "keep the project in git: git init",
    )


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in a container
        return "unknown"


def _keep(verb: str, word: "Word", evidence: "Evidence", *, dry_run: bool, json: bool) -> None:
    from opsctl.cli import checklist_books, wiring
    from opsctl.cli.filling import tell
    from opsctl.ui.show_checklist import show_word

    checklist_books.verified_records()  # nothing is chained to a broken chain
    record = None if dry_run else wiring.record(evidence)
    ends = word.at + word.valid_for if record is None else record.expires_at
    data = {
        "item": word.code,
        "name": word.item.name,
        **word.signer.figures(),
        "text": word.text,
        "withdrawn": word.withdraws,
        "expires_at": None if word.withdraws else ends,
        "evidence": None if record is None else record.id,
    }
    tell(
        f"opsctl.checklist.{verb}",
        data=data,
        json=json,
        show=lambda: show_word(word, verb=verb, ends=ends, is_kept=record is not None),
    )
    if verb == "sign":
        _warn_of_one_user(word)


def _warn_of_one_user(word: "Word") -> None:
    """Tell at once that a second name of the same user will not count as a second person."""
    from opsctl.checklist.signing import SIGN_KIND
    from opsctl.cli import checklist_books
    from opsctl.ui.console import hint

    if word.item.sign is None or word.item.sign.signatures == 1:
        return
    me = word.signer
    others = {
        str(each.figures.get("name"))
        for each in checklist_books.verified_records()
        if each.kind == SIGN_KIND
        and each.subject == word.code
        and (each.figures.get("user"), each.figures.get("host")) == (me.user, me.host)
    }
    others.discard(me.name)
    if others:
        hint(
            f"{', '.join(sorted(others))} signed as {me.user}@{me.host} too: two names of one user are not known to be "
            "two people, so let the other sign as a user of their own"
        )
