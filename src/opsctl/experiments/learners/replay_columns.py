"""Which column of a log is which: by the names that people give them, or by what the command line says."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from opsctl.core.errors import UsageError
from opsctl.core.findings import Finding, Location, Severity


class Column(StrEnum):
    """What a column may hold."""

    USER = "user"
    ITEM = "item"
    RATING = "rating"
    TIME = "time"
    CLICK = "click"
    POSITION = "position"
    PROPENSITY = "propensity"


class LogKind(StrEnum):
    """What a log holds."""

    RATINGS = "ratings"
    """Who rated what, when, and how well."""
    BANDIT = "bandit"
    """What was shown by whose choice, and whether it was clicked."""


_NAMES = {
    Column.USER: ("user", "userid", "reviewerid", "customerid", "visitorid", "readerid", "accountid"),
    Column.ITEM: (
        *(
            "item",
            "itemid",
            "movieid",
            "asin",
            "parentasin",
            "productid",
            "bookid",
            "businessid",
            "contentid",
        ),
        *("vendorid", "songid", "articleid", "videoid"),
    ),
    Column.RATING: ("rating", "overall", "stars", "score", "ratings"),
    Column.TIME: (
        *("timestamp", "time", "unixreviewtime", "unixtimestamp", "datetime", "date", "createdat", "ts"),
        *("timems",),
    ),
    Column.CLICK: ("click", "clicked", "isclick", "reward"),
    Column.POSITION: ("position", "rank", "slot"),
    Column.PROPENSITY: ("propensityscore", "propensity", "actionprob", "pscore"),
}
"""Names as MovieLens, Amazon reviews, the Open Bandit Dataset and others use them; without regard to case, `_` and `-`."""
_FEATURES = ("userfeature", "contextfeature", "feature", "context")
_NEEDED = {
    LogKind.RATINGS: (Column.USER, Column.ITEM, Column.RATING, Column.TIME),
    LogKind.BANDIT: (Column.ITEM, Column.CLICK),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The columns of a log.

    Args:
        kind: what it holds.
        names: the file's name of each column that is used.
        features: names of columns that say something of the reader; their values are taken as words.
    """

    kind: LogKind
    names: Mapping[Column, str]
    features: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        """Return all names, each once."""
        return tuple(dict.fromkeys([*self.names.values(), *self.features]))


def columns_of(
    there: Sequence[str], *, named: Mapping[Column, str], features: Sequence[str], file: str
) -> Columns:
    """Return which column is which.

    Args:
        there: the names in the file.
        named: what the command line says; it has the last word.
        features: names of columns with something about the reader; none takes those called such as `user_feature_0`.
        file: for messages.

    Raises:
        UsageError: EXP107 with all that is missing or twofold.
    """
    wrong = [_absent(name, there, file) for name in (*named.values(), *features) if name not in there]
    if wrong:
        raise _refusal(file, wrong)
    found = {**_guessed(there, set(named.values()) | set(features)), **named}
    kind = _kind(found, named)
    wrong = [_missing(column, there, file) for column in _NEEDED[kind] if column not in found]
    if wrong:
        raise _refusal(file, wrong)
    wanted = set(_NEEDED[kind]) | (
        {Column.USER, Column.TIME, Column.POSITION, Column.PROPENSITY} if kind is LogKind.BANDIT else set()
    )
    usual = [name for name in there if _plain(name).startswith(_FEATURES) and name not in found.values()]
    return Columns(
        kind=kind,
        names={column: name for column, name in found.items() if column in wanted},
        features=tuple(features or (usual if kind is LogKind.BANDIT else ())),
    )


def _kind(found: Mapping[Column, str], named: Mapping[Column, str]) -> LogKind:
    """Return what the log holds: clicks, where there are any, else ratings."""
    if Column.RATING in named:
        return LogKind.RATINGS
    is_bandit = Column.CLICK in found or Column.PROPENSITY in found
    return LogKind.BANDIT if is_bandit else LogKind.RATINGS


def _guessed(there: Sequence[str], taken: set[str]) -> dict[Column, str]:
    """Return for each kind of column the name that stands first in our list."""
    plain = {_plain(name): name for name in reversed(there) if name not in taken}
    guesses = {}
    for column, names in _NAMES.items():
        known = next((name for name in names if name in plain), None)
        if known is not None:
            guesses[column] = plain[known]
    return guesses


def _plain(name: str) -> str:
    return name.strip().lower().replace("_", "").replace("-", "").replace(" ", "")


def _absent(name: str, there: Sequence[str], file: str) -> Finding:
    close = difflib.get_close_matches(name, there, n=1)
    return _finding(
        f"there is no column `{name}`",
        f"did you mean `{close[0]}`?" if close else f"columns here: {_listed(there)}",
        file,
    )


def _missing(column: Column, there: Sequence[str], file: str) -> Finding:
    return _finding(
        f"no column looks like the {column}",
        f"name it: --{column} COLUMN; columns here: {_listed(there)}",
        file,
    )


def _listed(there: Sequence[str]) -> str:
    return ", ".join(f"`{name[:30]}`" for name in there[:12]) + (" ..." if len(there) > 12 else "")


def _finding(title: str, fix: str, file: str) -> Finding:
    return Finding(
        code="EXP107", severity=Severity.ERROR, title=title, location=Location(file=file, line=1), fix=fix
    )


def _refusal(file: str, findings: Sequence[Finding]) -> UsageError:
    return UsageError(
        f"`{file}` cannot be replayed with these columns",
        code="EXP107",
        findings=findings,
        fix="name the columns, or give `--header user,item,rating,time` where the file has no line of names",
    )
