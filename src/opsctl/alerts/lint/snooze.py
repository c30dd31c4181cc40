"""Which findings did somebody put off, until when and why: comments beside the rule."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from opsctl.alerts.load import SourceText
from opsctl.core.findings import Finding, Severity

_COMMENT = re.compile(r"#\s*opsctl:\s*disable\s+(?P<rest>.*)")
_WHOLE = re.compile(r"(?P<code>[A-Z]{3}\d{3})\s+until\s+(?P<until>\d{4}-\d{2}-\d{2})\s+(?P<reason>\S.*)")
SNOOZE = "ALR050"
EXPLANATION = """A comment that puts a finding off is over, or says neither until when nor why.

Write `# opsctl: disable ALR012 until 2027-01-31 waiting for the new dashboard` on the line of a rule's name or in the
comment lines above it. It holds for that rule and that code, up to that day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snooze:
    """A code put off for the rule at a line."""

    code: str
    until: date
    line: int


def apply_snoozes(
    findings: Iterable[Finding], sources: Iterable[SourceText], *, today: date
) -> tuple[Finding, ...]:
    """Return the findings without those that are put off, and one for each comment that is over or incomplete."""
    kept = list(findings)
    for source in sources:
        for number, text in enumerate(source.text.splitlines(), 1):
            found = _COMMENT.search(text)
            if found is None:
                continue
            snooze = _snooze(found["rest"], number, source)
            if snooze is None or snooze.until < today:
                what = "is over" if snooze else "needs a code, `until` a day, and a reason"
                kept.append(_complaint(f"a comment that puts a finding off {what}", source, number))
                continue
            first, last = _rule_lines(source, snooze.line)
            kept = [each for each in kept if not _is_of(each, snooze.code, source, first, last)]
    return tuple(kept)


def _snooze(text: str, line: int, source: SourceText) -> Snooze | None:
    whole = _WHOLE.fullmatch(text.strip())
    if whole is None:
        return None
    try:
        until = date.fromisoformat(whole["until"])
    except ValueError:
        return None
    lines = source.text.splitlines()
    while line < len(lines) and lines[line - 1].lstrip().startswith("#"):
        line += 1  # a comment of its own speaks of the rule below
    return Snooze(code=whole["code"], until=until, line=line)


def _rule_lines(source: SourceText, line: int) -> tuple[int, int]:
    """Return the first and last line of the rule at a line; all lines where it is at none."""
    starts = sorted(
        place[0] for path, place in source.marks.keys.items() if path[:1] == ("rules",) and len(path) == 2
    )
    before = [start for start in starts if start <= line]
    if not before:
        return 1, len(source.text.splitlines())
    following = [start for start in starts if start > line]
    return before[-1], (following[0] - 1 if following else len(source.text.splitlines()))


def _is_of(finding: Finding, code: str, source: SourceText, first: int, last: int) -> bool:
    place = finding.location
    return (
        finding.code == code
        and place is not None
        and place.file == source.file
        and place.line is not None
        and first <= place.line <= last
    )


def _complaint(title: str, source: SourceText, line: int) -> Finding:
    from opsctl.config.marks import locate

    place = locate(source.text, file=source.file, line=line, column=1)
    return Finding(
        code=SNOOZE,
        severity=Severity.WARNING,
        title=title,
        location=place,
        fix="mend what was put off, or write `# opsctl: disable CODE until YYYY-MM-DD reason`",
    )
