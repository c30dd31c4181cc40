"""Does a file of the project hold a secret?

Looked at: every file that git keeps or would add (without git: all but those of tools and of the state folder). A line
counts when it has a token of a form that detect-secrets knows or that is opsctl's own, a password inside an address, or
a value whose name says that it is a secret, such as `db_password`. In settings (YAML, TOML, JSON, .env) every literal
value of such a name counts; in code and documents only one that looks random, because examples are made of words.
Secrets that are in use here are found whatever they look like. Plain digests are not taken for secrets.

Mend: take it out, refer to a file or a variable instead, and make a new secret: what was once committed is known.
A line that only looks like one gets the comment `pragma: allowlist secret`; the audit counts those lines.
"""

from collections.abc import Iterator

from opsctl.core.findings import Location
from opsctl.security.context import Context
from opsctl.security.model import Answer, SecurityCheck, Trouble, Weight, failed, passed
from opsctl.security.project_files import known_secrets, listed, project_files, shown, text_of
from opsctl.security.saying import counted
from opsctl.security.secret_scan import scan


def look(context: Context) -> Answer:
    """Scan every file of the project."""
    files, known = project_files(context), known_secrets(context)
    troubles, allowed, unread = list(_committed(context)), 0, 0
    for file in files:
        text = text_of(context.root / file)
        if text is None:
            unread += 1
            continue
        for hit in scan(text, path=file, known=known):
            allowed += hit.is_allowed
            if not hit.is_allowed:
                named = shown(file)
                place = Location(file=named, line=hit.line)
                troubles.append(Trouble(title=hit.kind, place=named, location=place))
    seen = (
        f"{counted(len(files) - unread, 'file')}; {unread} not text or too large, "
        f"{counted(allowed, 'line')} marked as no secret"
    )
    if troubles:
        return failed(
            f"{counted(len(troubles), 'line')} with what looks like a secret, in {seen}",
            mend="refer to a file or a variable instead, and make a new secret; mark what is none: pragma: allowlist secret",
            troubles=tuple(troubles),
        )
    return passed(seen)


def _committed(context: Context) -> Iterator[Trouble]:
    """Yield the files that the settings name as secrets and that git keeps."""
    kept = set(listed(context) or ())
    for source in context.secrets:
        if source.file is None or not source.file.is_relative_to(context.root):
            continue
        file = str(source.file.relative_to(context.root))
        if file in kept:
            title = f"git keeps the file of a secret ({source.named_by})"
            yield Trouble(title=title, place=shown(file), location=Location(file=shown(file)))


CHECK = SecurityCheck(
    code="SEC001",
    title="no secrets in the project's files",
    weight=Weight.CRITICAL,
    owasp="A07",
    asvs=("V13.3.1",),
    look=look,
    explanation=__doc__ or "",
)
