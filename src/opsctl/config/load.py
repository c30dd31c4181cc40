"""Is this book right, and if not, what is wrong and where: all problems at once, each with its place."""

import difflib
import re
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from opsctl.clients.files import read_text
from opsctl.config.branches import meant
from opsctl.config.hints import known_keys, nearest_key, retired_key, right_value
from opsctl.config.marks import MOST_BYTES, MOST_PROBLEMS, MarkedDocument, locate, read_marked
from opsctl.core.errors import UsageError
from opsctl.core.findings import Finding, Severity

Book = TypeVar("Book", bound=BaseModel)
_NAMED_FIRST = re.compile(r"`(?P<path>\w+(?:\.\w+)*)`")


def load_book(path: Path, model: type[Book]) -> Book:
    """Read a YAML book and check it against its model.

    Raises:
        UsageError: with one finding for each problem of syntax, unknown key, wrong type or failed rule;
            also when the file is not there or not text.
    """
    if is_missing(path):
        raise UsageError(
            f"there is no book `{path}`",
            code="CFG008",
            fix="check the path; `opsctl init` writes the starter books",
        )
    return parse_book(read_text(path, most_bytes=MOST_BYTES), model, file=str(path))


def is_missing(path: Path) -> bool:
    """Tell whether nothing at all is there; a link that leads nowhere is something, and wrong."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return True
    except OSError:
        return False  # reading it says what the system refuses
    return False


def parse_book(text: str, model: type[Book], *, file: str) -> Book:
    """Check the text of a book against its model; `file` is the name that messages show."""
    document = read_marked(text, file=file)
    findings = list(document.findings)
    book: Book | None = None
    if document.value is not None or not findings:
        try:
            book = model.model_validate(document.value if document.value is not None else {})
        except ValidationError as error:
            findings += _findings_of(error, document=document, model=model, text=text, file=file)
    if findings or book is None:
        raise _book_error(findings, file=file)
    return book


def _book_error(findings: list[Finding], *, file: str) -> UsageError:
    findings.sort(key=_line_and_column)
    count = len(findings)
    more = " or more" if count >= MOST_PROBLEMS else ""
    return UsageError(
        f"`{file}` has {count}{more} {'problem' if count == 1 else 'problems'}",
        code="CFG003",
        findings=findings,
        fix="mend the book and run the same command again; nothing was changed",
    )


def _line_and_column(finding: Finding) -> tuple[int, int]:
    place = finding.location
    return (place.line or 0, place.column or 0) if place else (0, 0)


def _findings_of(
    error: ValidationError, *, document: MarkedDocument, model: type[BaseModel], text: str, file: str
) -> list[Finding]:
    findings = []
    details = [dict(detail) for detail in error.errors(include_url=False)[:MOST_PROBLEMS]]
    complaints = [(_chosen_by(path, detail), detail) for path, detail in meant(details, document.keys)]
    for path, detail in _without_misspelt(complaints, model=model):
        unknown = detail["type"] == "extra_forbidden"
        named = _named_in(detail, path=path, document=document)
        is_of_a_key = unknown or named is not None or detail["loc"][-1:] == ("[key]",)
        line, column = document.place_of(named or path, prefer_key=is_of_a_key)
        title, fix = _explain(detail, path=path, model=model)
        findings.append(
            Finding(
                code="CFG004" if unknown else "CFG003",
                severity=Severity.ERROR,
                title=title,
                location=locate(text, file=file, line=line, column=column),
                fix=fix,
            )
        )
    return list(dict.fromkeys(findings))


def _chosen_by(path: tuple[str | int, ...], detail: dict[str, Any]) -> tuple[str | int, ...]:
    """Return the place of a complaint; which of several things a part is to be is said by one key of it."""
    if detail["type"] != "union_tag_invalid":
        return path
    return (*path, str(detail["ctx"]["discriminator"]).strip("'"))


def _named_in(
    detail: dict[str, Any], *, path: tuple[str | int, ...], document: MarkedDocument
) -> tuple[str | int, ...] | None:
    """Return the key that a rule over several of them begins its message with, such as `items.CHK001.sign`."""
    said = _NAMED_FIRST.match(str(detail["ctx"]["error"])) if detail["type"] == "value_error" else None
    if said is None:
        return None
    parts = [int(part) if part.isdecimal() else part for part in said["path"].split(".")]
    ways = [(*path, *parts[:length]) for length in range(len(parts), 0, -1)]
    return next((way for way in ways if way in document.keys or way in document.values), None)


def _without_misspelt(
    details: list[tuple[tuple[str | int, ...], dict[str, Any]]], *, model: type[BaseModel]
) -> list[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """Leave out that a key is missing where a misspelling of it stands: that is one mistake, not two."""
    meant_keys = {
        (*path[:-1], nearest)
        for path, detail in details
        if detail["type"] == "extra_forbidden" and (nearest := nearest_key(model, path)) is not None
    }
    return [
        (path, detail) for path, detail in details if detail["type"] != "missing" or path not in meant_keys
    ]


def _none_of_them(named: str, said: str, *, expected: str) -> tuple[str, str | None]:
    close = difflib.get_close_matches(said, _options(expected), n=1)
    return (
        f"{named} is `{_short(said)}`; expected {expected}",
        f"did you mean `{close[0]}`?" if close else None,
    )


def _explain(
    detail: dict[str, Any], *, path: tuple[str | int, ...], model: type[BaseModel]
) -> tuple[str, str | None]:
    dotted = ".".join(str(part) for part in path)
    named = f"`{dotted}`" if dotted else "the book"
    match detail["type"]:
        case "extra_forbidden" if instead := retired_key(model, path):
            return f"`{path[-1]}` is a key of an earlier version", instead
        case "extra_forbidden":
            known = sorted(known_keys(model, path[:-1]))
            nearest = nearest_key(model, path)
            hint = f"did you mean `{nearest}`?" if nearest else f"known keys here: {', '.join(known)}"
            return f"unknown key `{path[-1]}`", hint
        case "missing":
            known = sorted(known_keys(model, path[:-1]))
            return f"{named} is missing", f"add it; known keys here: {', '.join(known)}"
        case "value_error":
            said = str(detail["ctx"]["error"])
            return (f"{named}: {said}" if path or not said.startswith("`") else said), None
        case "literal_error" | "enum" | "union_tag_invalid":
            said = detail["ctx"].get("tag", detail["input"])
            expected = detail["ctx"].get("expected_tags") or detail["ctx"]["expected"]
            return _none_of_them(named, str(said), expected=str(expected))
        case _:
            title = f"{named} is `{_short(detail['input'])}`: {_wanted(detail)}"
            return title, right_value(detail, path=path, model=model)


def _wanted(detail: dict[str, Any]) -> str:
    match detail["type"]:
        case "model_type" | "dict_type":
            return "a map of keys belongs here"
        case "list_type" | "tuple_type":
            return "a list belongs here"
        case _:
            message: str = detail["msg"]
            return message[0].lower() + message[1:]


def _options(expected: str) -> list[str]:
    return [part.strip("' ") for part in expected.replace(" or ", ",").split(",")]


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
