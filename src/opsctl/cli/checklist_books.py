"""With what does the checklist work: the project's book, its items by code or name, and its ledger once that is verified."""

from typing import TYPE_CHECKING

from opsctl.core.errors import FailedError, RefusedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from opsctl.checklist.book import Account, ChecklistBook, Item
    from opsctl.checklist.book_query import Query
    from opsctl.evidence.model import Record


def book() -> "ChecklistBook":
    """Return the project's checklist.

    Raises:
        UsageError: CHK112 there is none; CFG003, CFG004 it is wrong, every problem with its place.
    """
    from opsctl.checklist.book import ChecklistBook
    from opsctl.cli import wiring
    from opsctl.config.load import is_missing, load_book

    settings = wiring.settings()
    path = settings.root / settings.project.books.checklist
    if is_missing(path):
        raise UsageError(
            f"there is no checklist: `{path}`",
            code="CHK112",
            fix="run `opsctl init` for a starter book, or set `books.checklist`",
        )
    return load_book(path, ChecklistBook)


def book_digest(book: "ChecklistBook") -> str:
    """Return the SHA-256 of what a book says."""
    from opsctl.evidence.model import digest_of

    return digest_of(book.model_dump(mode="json"))


def explained_items(book: "ChecklistBook") -> dict[str, str]:
    """Return the code of each item with what `opsctl explain` says of it."""
    return {code: explained(item) for code, item in book.items.items()}


def explained(item: "Item") -> str:
    """Return what an item is for, what is asked of the ledger for it, and who signs."""
    lines = [f"{item.title}.", "", item.why]
    for how, queries in (("all of", item.all), ("one of", item.any)):
        if queries:
            lines += ["", f"It wants {how}:"]
            lines += [f"  {' '.join((each.kind, *each.wanted_subjects))} {_wanted(each)}" for each in queries]
    if item.sign is not None:
        number = "a signature" if item.sign.signatures == 1 else f"{item.sign.signatures} signatures"
        lines += ["", f"It wants {number} of {' or '.join(item.sign.roles)}."]
    return "\n".join(lines)


def _wanted(query: "Query") -> str:
    return query.target if query.figure is None else f"{query.figure} {query.target}"


def code_of(book: "ChecklistBook", named: str) -> str:
    """Return the code of an item that is named by its code or its name.

    Raises:
        UsageError: CHK102 there is none, with the nearest that there is.
    """
    import difflib

    known = {code.lower(): code for code in book.items} | {
        item.name: code for code, item in book.items.items()
    }
    if named.lower() in known:
        return known[named.lower()]
    close = difflib.get_close_matches(named.lower(), known, n=1)
    names = ", ".join(f"`{item.name}`" for item in list(book.items.values())[:8])
    raise UsageError(
        f"there is no item `{named}` on the checklist",
        code="CHK102",
        fix=f"did you mean `{close[0]}`?"
        if close
        else f"some of them: {names}; `opsctl checklist run` shows all",
    )


def codes_of(book: "ChecklistBook", named: "Iterable[str]") -> frozenset[str]:
    """Return the codes of several items, also of a whole group.

    Raises:
        UsageError: CHK102 there is no such item.
    """
    groups = {str(item.group) for item in book.items.values()}
    found: set[str] = set()
    for each in named:
        if each.lower() in groups:
            found |= {code for code, item in book.items.items() if item.group == each.lower()}
        else:
            found.add(code_of(book, each))
    return frozenset(found)


def account(book: "ChecklistBook", name: str, *, roles: "Sequence[str]", doing: str) -> "Account":
    """Return an account that may do something.

    Raises:
        UsageError: CHK103 there is no such account.
        RefusedError: CHK104 its role may not.
    """
    if name not in book.accounts:
        known = ", ".join(f"`{each}`" for each in book.accounts) or "none yet"
        raise UsageError(
            f"there is no account `{name}`",
            code="CHK103",
            fix=f"accounts stand in the checklist's book under `accounts`: {known}",
        )
    found = book.accounts[name]
    if found.role not in roles:
        may = ", ".join(each for each, one in book.accounts.items() if one.role in roles) or "nobody"
        raise RefusedError(
            f"`{name}` may not {doing}",
            code="CHK104",
            why=f"its role is {found.role}; it takes {' or '.join(roles) or 'a role that the book does not name'}",
            fix=f"let one do it who may: {may}",
        )
    return found


def verified_records() -> "list[Record]":
    """Return all records of the ledger, the newest first, once the chain has been verified.

    Raises:
        FailedError: CHK101 the chain is broken, with every finding.
    """
    from opsctl.cli import wiring
    from opsctl.core.findings import Severity

    ledger = wiring.ledger()
    checked = ledger.verify()
    if not checked.ok:
        broken = [each for each in checked.findings if each.severity is Severity.ERROR]
        raise FailedError(
            "the evidence ledger does not verify, so nothing passes",
            code="CHK101",
            why=f"{len(broken)} {'place is' if len(broken) == 1 else 'places are'} broken, the first: {broken[0].title}",
            findings=broken,
            fix="run `opsctl evidence verify`; restore the ledger from a backup, or move it away and measure anew",
        )
    return ledger.records()
