"""Does the project's own Python do what is known to be dangerous?

bandit looks at every Python file of the project but tests: shells, unsafe loading, SQL out of pieces, weak hashes, temporary
files. Findings of medium severity and medium confidence or more count; the others are only counted, because most of them
are wrong. ruff's rules `S`, which are bandit's with better eyes, are asked too, where ruff is installed, with the project's
own exceptions and without those that bandit calls of low severity. A project without Python of its own passes.

Mend: write it another way; where it is right as it is, say why at the line: `# noqa: S301 - reason` answers both programs,
`# nosec B301 - reason` bandit alone.
"""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import PurePath
from typing import Any

from opsctl.core.findings import Location
from opsctl.security.context import Context
from opsctl.security.model import Answer, CannotTellError, SecurityCheck, Trouble, Weight, failed, passed
from opsctl.security.project_files import project_files, text_of
from opsctl.security.saying import counted

_SECONDS = 300.0
_RULE = re.compile(r"S\d{3}")
_COUNTS = ("MEDIUM", "HIGH")
# ruff tells no severity; these are the rules that bandit gives a low one: asserts, names like `password`, `try: pass`,
# random numbers, imports that may be dangerous, programs that are started without a shell.
_OF_LOW_SEVERITY = re.compile(r"S(?:101|105|106|107|110|112|311|40\d|41\d|603|606|607)")


def look(context: Context) -> Answer:
    """Ask bandit, and ruff where it is there."""
    files = [file for file in project_files(context) if file.endswith(".py") and not _is_test(file)]
    if not files:
        return passed("the project has no Python of its own")
    if find_spec("bandit") is None:
        raise CannotTellError("bandit is not installed", mend="pip install 'opsctl[security]'")
    troubles, doubtful = _bandit(context, files)
    ruff = _ruff(context, files)
    seen = f"{counted(len(files), 'file')}; {counted(doubtful, 'finding')} of bandit weak, or answered at their line"
    seen += "" if ruff is not None else "; ruff is not installed"
    troubles += ruff or ()
    if troubles:
        return failed(
            f"{counted(len(troubles), 'finding')} in {seen}",
            mend="write it another way, or say at the line why it is right: # nosec B301 - reason",
            troubles=troubles,
        )
    return passed(seen)


def _is_test(file: str) -> bool:
    path = PurePath(file)
    return "tests" in path.parts or path.name.startswith("test_") or path.name == "conftest.py"


def _bandit(context: Context, files: Sequence[str]) -> tuple[tuple[Trouble, ...], int]:
    argv = [sys.executable, "-m", "bandit", "--format", "json", "--quiet", "--exit-zero", "--", *files]
    report = _json(context, argv, what="bandit")
    if report["errors"]:
        first = report["errors"][0]
        raise CannotTellError(
            f"bandit could not read `{first['filename']}`: {first['reason']}",
            mend="mend the file, or leave it out",
        )
    counted = [
        each
        for each in report["results"]
        if each["issue_severity"] in _COUNTS
        and each["issue_confidence"] in _COUNTS
        and not _is_answered(each, context)
    ]
    troubles = tuple(
        _trouble(each["filename"], each["line_number"], f"{each['test_id']} {each['issue_text']}")
        for each in counted
    )
    return troubles, len(report["results"]) - len(counted)


def _is_answered(finding: Mapping[str, Any], context: Context) -> bool:
    """Tell whether a line of a finding says why it is right, in ruff's way: its rule has bandit's number."""
    lines = (text_of(context.root / finding["filename"]) or "").split("\n")
    marked = re.compile(rf"#\s*noqa:[^#]*\bS{finding['test_id'][1:]}\b")
    return any(marked.search(lines[number - 1]) for number in finding["line_range"] if number <= len(lines))


def _ruff(context: Context, files: Sequence[str]) -> tuple[Trouble, ...] | None:
    if find_spec("ruff") is None:
        return None
    options = ["check", "--extend-select", "S", "--exit-zero", "--no-cache", "--output-format", "json"]
    report = _json(context, [sys.executable, "-m", "ruff", *options, "--", *files], what="ruff")
    return tuple(
        _trouble(each["filename"], each["location"]["row"], f"{each['code']} {each['message']}", context)
        for each in report
        if _RULE.fullmatch(each["code"] or "") and not _OF_LOW_SEVERITY.fullmatch(each["code"])
    )


def _json(context: Context, argv: Sequence[str], *, what: str) -> Any:
    done = context.commands.run(argv, seconds=_SECONDS)
    try:
        return json.loads(done.stdout)
    except ValueError as error:
        said = done.stderr.strip().splitlines()
        raise CannotTellError(
            f"{what} gave no report: {said[-1][:200] if said else f'exit code {done.code}'}",
            mend=f"run it by hand: {' '.join(argv[:6])} FILE",
        ) from error


def _trouble(file: str, line: int, title: str, context: Context | None = None) -> Trouble:
    path = PurePath(file)
    if context is not None and path.is_relative_to(context.root):
        path = path.relative_to(context.root)
    shown = str(path).removeprefix("./")
    return Trouble(title=title, place=shown, location=Location(file=shown, line=line))


CHECK = SecurityCheck(
    code="SEC005",
    title="static analysis of the project's Python",
    weight=Weight.MEDIUM,
    owasp="A05",
    asvs=("V1.2.4", "V1.2.5", "V1.5.2", "V11.4.1"),
    look=look,
    explanation=__doc__ or "",
)
