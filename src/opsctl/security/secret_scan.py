"""Does a text hold a secret: tokens of known forms, passwords in addresses, and values whose name says what they are."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import PurePath
from typing import Any, NamedTuple

from opsctl.core.errors import NotReadyError
from opsctl.security.words import looks_random

ALLOWED = "pragma: allowlist secret"
_MARK = re.compile(rf"\s*(?:#|//|--|;|<!--)?\s*{ALLOWED}.*")
"""detect-secrets' own mark for a line that looks like a secret and is none."""

_CONFIGURATION = frozenset(
    {".yaml", ".yml", ".toml", ".ini", ".cfg", ".conf", ".env", ".properties", ".json"}
)
_LONGEST_PART, _OVERLAP = 2000, 300
_NAMES = "password|passwd|pwd|passphrase|secret|token|credential|(?:api|auth|access|private|secret|routing|service)[_-]?key"
_NAMED = re.compile(
    rf"(?P<name>{_NAMES})[\"']?\s*(?::[ \w.\[\]|]{{1,40}}=(?!=)|:=|=>|[:=])\s*(?P<quote>[\"'`]?)(?P<value>[^\s\"'`,;}}\])#][^\"'`\n]*)",
    re.IGNORECASE,
)
_NAME_BEFORE = re.compile(r"[\w.-]*$")
_LONGEST_KEY = 80
_KEY_BEFORE = re.compile(r"(?:^|[{,;])\s*(?:- +)*(?:export +|set +)?[\"']?[\w.-]*$")
_IN_ADDRESS = re.compile(r"\w://[^\s:/@\"'<>{}$]*:(?P<value>[^\s:/@\"'<>{}$]+)@")
# What stands for a value: templates, variables, masks, and what is no text.
_REFERENCE = re.compile(r"[$<%({\[&*|>!]|(?:null|none|true|false|yes|no|\d{1,12}(?:\.\d+)?)$", re.IGNORECASE)
# Where it is kept; base64 has such a stroke too, so that what looks random is no path.
_PATH = re.compile(r"[~./]|[\w.-]*/")
_OWN = {
    "API key of opsctl": re.compile(r"\bopk_[A-Za-z0-9]{8}_(?P<value>[A-Za-z0-9]{32})\b"),
    "secret key of age": re.compile(r"\bAGE-SECRET-KEY-(?P<value>1[02-9AC-HJ-NP-Z]{20,})"),
}
# Entropy alone cannot tell a secret from a digest, of which lock files are full, and a public address is no secret.
_NOT_USED = frozenset(
    {
        "Base64HighEntropyString",
        "HexHighEntropyString",
        "KeywordDetector",
        "BasicAuthDetector",
        "IPPublicDetector",
    }
)
_WHOLE_FORM = frozenset({"Private Key"})


class Hit(NamedTuple):
    """A line that seems to hold a secret; what it is, is not kept."""

    line: int
    kind: str
    is_allowed: bool


def unmarked(line: str) -> str:
    """Return a line as it was before somebody marked it.

    >>> unmarked("token = 'x'  # pragma: allowlist secret")
    "token = 'x'"
    """
    return _MARK.sub("", line).rstrip()


def is_configuration(path: str) -> bool:
    """Tell whether a file is for settings: there, every literal password counts, and not only what looks random."""
    name = PurePath(path)
    return name.suffix in _CONFIGURATION or name.name.startswith(".env")


def scan(text: str, *, path: str, known: Sequence[str] = ()) -> Iterator[Hit]:
    """Yield each line of a text that seems to hold a secret, once.

    Args:
        text: of a file, or of the lines that a commit added.
        path: by its name, settings are told from code.
        known: values of secrets that are in use; they are found whatever they look like.

    Raises:
        NotReadyError: SEC093 detect-secrets is not installed.
    """
    if not _may_hold(text, known):
        return
    for number, line in enumerate(text.split("\n"), start=1):
        kinds = (_kind_of(part, is_settings=is_configuration(path), known=known) for part in _parts(line))
        kind = next((each for each in kinds if each is not None), None)
        if kind is not None:
            yield Hit(number, kind, ALLOWED in line)


def _parts(line: str) -> Iterator[str]:
    """Yield a line in parts that overlap: some expressions need the square of a length."""
    for start in range(0, max(1, len(line)), _LONGEST_PART):
        yield line[max(0, start - _OVERLAP) : start + _LONGEST_PART]


def _may_hold(text: str, known: Sequence[str]) -> bool:
    """Tell at once of most texts that no line of them needs a look."""
    return (
        _NAMED.search(text) is not None
        or _IN_ADDRESS.search(text) is not None
        or any(form.search(text) for _, form in known_forms())
        or any(value in text for value in known)
    )


def _kind_of(line: str, *, is_settings: bool, known: Sequence[str]) -> str | None:
    if any(value in line for value in known):
        return "secret that is in use"
    for kind, form in known_forms():
        if any(kind in _WHOLE_FORM or looks_random(_value(match)) for match in form.finditer(line)):
            return kind
    if any(_counts(match["value"], is_settings=is_settings) for match in _IN_ADDRESS.finditer(line)):
        return "password in an address"
    for match in _NAMED.finditer(line):
        if _is_key(line, match, is_settings=is_settings) and _counts(match["value"], is_settings=is_settings):
            return f"value of `{_whole_name(line, match)}`"
    return None


def _is_key(line: str, match: "re.Match[str]", *, is_settings: bool) -> bool:
    """Tell whether a name is that of a value: in settings where a key belongs, and not inside of somebody's sentence."""
    before = _KEY_BEFORE.search(line[max(0, match.start() - _LONGEST_KEY) : match.start()])
    # `secret: feed-tls` is how Kubernetes calls one that it keeps.
    is_name_of_one = _whole_name(line, match).lower() == "secret"
    if is_settings and before is not None and not is_name_of_one:
        return True
    return bool(match["quote"]) and looks_random(match["value"])


def _counts(value: str, *, is_settings: bool) -> bool:
    bare = value.strip()
    if not bare or _REFERENCE.match(bare):
        return False
    return looks_random(bare) or (is_settings and _PATH.match(bare) is None)


def _whole_name(line: str, match: "re.Match[str]") -> str:
    """Return the name with what stands before the word that gave it away: `db_` of `db_password`."""
    before = _NAME_BEFORE.search(line[max(0, match.start() - 40) : match.start()])
    return (before[0] if before else "") + match["name"]


def _value(match: "re.Match[str]") -> str:
    """Return what of a match is the secret itself, where the form says so, else all of it."""
    return match["value"] if "value" in match.re.groupindex else match[0]


@cache
def known_forms() -> tuple[tuple[str, "re.Pattern[str]"], ...]:
    """Return the forms of tokens that detect-secrets knows, and our own, each with its kind."""
    theirs = [
        (str(detector.secret_type), form)
        for detector in _detectors()
        for form in detector.denylist
        if isinstance(form, re.Pattern)
    ]
    return (*_OWN.items(), *theirs)


def _detectors() -> Iterable[Any]:
    try:
        from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
        from detect_secrets.settings import default_settings
    except ImportError as error:
        raise NotReadyError(
            "detect-secrets is not installed",
            code="SEC093",
            why="it knows the forms of the tokens of many providers",
            fix="pip install 'opsctl[security]'",
        ) from error
    with default_settings():
        classes: Iterable[Any] = get_mapping_from_secret_type_to_class().values()
    return [each() for each in classes if each.__name__ not in _NOT_USED]
