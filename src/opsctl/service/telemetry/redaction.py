"""What must stand in no line and no report: whatever opens a door, and who it was about."""

import re

_HIDDEN = "***"
_NAMES = r"password|passwd|pwd|secret|token|api[_-]?key|authorization|cookie|dsn"
# Text in quotes, to its end where it was cut; as `b"..."` or `SecretStr("...")` too.
_QUOTED = r"\"(?:\\.|[^\"\\])*(?:\"|\Z)|'(?:\\.|[^'\\])*(?:'|\Z)"
_VALUE = rf"(?:[a-z]\w{{0,64}}\()?b?(?:{_QUOTED}|[^\s\"',;&]+)"
_REPLACED = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[^\s\"',;]+"), rf"\1 {_HIDDEN}"),
    # Our keys keep their public part, by which `opsctl security keys list` knows them.
    (re.compile(r"\bopk_([A-Za-z0-9]{8})_[A-Za-z0-9]+"), rf"opk_\1_{_HIDDEN}"),
    (re.compile(r"\beyJ[\w-]{4,2000}\.[\w-]+\.[\w-]*"), _HIDDEN),
    (re.compile(r"\bsb_secret_\w+"), f"sb_secret_{_HIDDEN}"),
    (re.compile(r"(://[^:/@\s\"']{0,64}:)[^\s\"']{0,512}@"), rf"\1{_HIDDEN}@"),
    (re.compile(r"(https?://)[^:/@\s\"']+@"), rf"\1{_HIDDEN}@"),
    # Headers as they are sent: a scheme and what follows it, and every cookie of the line.
    (
        re.compile(r"(?i)(authorization\s*[=:]\s*)(?!bearer |basic )[a-z][\w-]*[ \t]+[^\s\"',;]+"),
        rf"\1{_HIDDEN}",
    ),
    (re.compile(r"(?i)(cookie\s*[=:]\s*)[^\s\"'][^\r\n\"']*"), rf"\1{_HIDDEN}"),
    (
        re.compile(rf"(?i)((?:{_NAMES})(?:[\"']?\s*[=:]\s*|[\"'],\s*))(?!b?[\"']?(?:bearer|basic) ){_VALUE}"),
        rf"\1{_HIDDEN}",
    ),
    (re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,64}\.){1,8}[^\W\d_]{2,64}"), _HIDDEN),
    # What PostgreSQL tells of a row that it refuses.
    (re.compile(r"\)=\([^)]*\)"), f")=({_HIDDEN})"),
    (re.compile(r"(Failing row contains )\(.*\)"), rf"\1({_HIDDEN})"),
    (re.compile(r"(/v1/feed/)\d+"), rf"\1{_HIDDEN}"),
    (
        re.compile(
            r"(?i)(\b\w*user(?:s|_?ids?)?\b[\"']?\s*(?:[=:]\s*|in\s*(?=\())?(?:[a-z]\w{0,64}\()?[\"'\[({]*)"
            r"\d+(?:,\s*\d+)*"
        ),
        rf"\1{_HIDDEN}",
    ),
)


def redacted(text: str) -> str:
    """Return a text, of some thousand characters at most, without secrets, numbers of users and addresses of mail.

    >>> redacted("GET /v1/feed/7 Authorization: Bearer abc.def postgresql://me:pw@host/db")
    'GET /v1/feed/*** Authorization: Bearer *** postgresql://me:***@host/db'
    """
    for pattern, instead in _REPLACED:
        text = pattern.sub(instead, text)
    return text
