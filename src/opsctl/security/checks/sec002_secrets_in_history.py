"""Was a secret ever committed, and taken out again since?

Looked at: every line that any commit of any branch has added, in the same way as SEC001, without those that are still
there. A clone that is shallow does not have all commits, so it could not tell; nor could it where there is none yet.

Mend: make a new secret and end the old one. To rewrite the history is no mending by itself: whoever has cloned it, and
every cache of the hosting service, has the old one still.
"""

from collections.abc import Iterator
from typing import NamedTuple

from opsctl.core.findings import Location
from opsctl.security.context import Context
from opsctl.security.model import Answer, CannotTellError, SecurityCheck, Trouble, Weight, failed, passed
from opsctl.security.project_files import git, known_secrets, shown, text_of, unquoted
from opsctl.security.saying import counted
from opsctl.security.secret_scan import scan, unmarked

_SECONDS = 180.0
_LOG = (
    *("-c", "core.quotePath=true", "log", "--all", "--patch", "--unified=0", "--no-color", "--no-ext-diff"),
    *("--no-textconv", "--no-renames", "--diff-merges=first-parent", "--format=commit %H"),
)


class _Added(NamedTuple):
    """The lines that a commit has added to a file."""

    commit: str
    path: str
    lines: list[str]


def look(context: Context) -> Answer:
    """Scan what every commit has added."""
    _require_whole(context)
    log = git(context, *_LOG, seconds=_SECONDS)
    if log is None:
        raise CannotTellError("git could not show the history", mend="look why: git log --all -p")
    known = known_secrets(context)
    commits = log.count("\ncommit ") + log.startswith("commit ")
    if not commits:
        raise CannotTellError("there is no commit yet", mend="run the audit after the first one")
    troubles = dict.fromkeys(each for added in _added(log) for each in _hits(added, context, known))
    if troubles:
        return failed(
            f"{counted(len(troubles), 'line')} with what looks like a secret, in the history of {counted(commits, 'commit')}",
            mend="make a new secret and end the old one; then accept the place in ops/waivers.yaml",
            troubles=tuple(troubles),
        )
    return passed(f"{counted(commits, 'commit')}, nothing that is not in the files of today")


def _require_whole(context: Context) -> None:
    shallow = git(context, "rev-parse", "--is-shallow-repository")
    if shallow is None:
        raise CannotTellError(
            "the project is no git checkout, or git is not installed", mend="run the audit in a clone of it"
        )
    if shallow.strip() == "true":
        raise CannotTellError(
            "this clone is shallow: most of the history is not here", mend="git fetch --unshallow"
        )


def _added(log: str) -> Iterator[_Added]:
    commit, added = "", _Added("", "", [])
    for line in log.split("\n"):
        if line.startswith("commit "):
            commit = line.removeprefix("commit ")
        elif line.startswith("diff --git "):
            yield added
            added = _Added(commit, "", [])
        elif line.startswith("+++ ") and not added.path:
            added = _Added(commit, unquoted(line.removeprefix("+++ ").rstrip("\t")).removeprefix("b/"), [])
        elif line.startswith("+"):
            added.lines.append(line[1:])
    yield added


def _hits(added: _Added, context: Context, known: tuple[str, ...]) -> Iterator[Trouble]:
    hits = [
        each for each in scan("\n".join(added.lines), path=added.path, known=known) if not each.is_allowed
    ]
    if not hits:
        return
    today = {unmarked(line) for line in (text_of(context.root / added.path) or "").split("\n")}
    for hit in hits:
        if unmarked(added.lines[hit.line - 1]) not in today:
            yield Trouble(
                title=f"{hit.kind}, added by commit {added.commit[:10]}",
                place=shown(added.path),
                location=Location(file=shown(added.path)),
            )


CHECK = SecurityCheck(
    code="SEC002",
    title="no secrets in the git history",
    weight=Weight.CRITICAL,
    owasp="A07",
    asvs=("V13.3.1",),
    look=look,
    explanation=__doc__ or "",
)
