"""Do the logs of the stack hold a secret?

Looked at: the newest 32 MiB of every log in `.opsctl/logs`, for tokens of known forms, passwords in addresses, opsctl's
own API keys, and every secret that is in use here, whatever it looks like. Without a log there is nothing to look at,
which is no pass.

Mend: end the secret and make a new one, remove the log, and keep the program from writing it.
"""

from pathlib import Path

from opsctl.clients.files import file_error
from opsctl.core.findings import Location
from opsctl.security.context import Context
from opsctl.security.model import Answer, SecurityCheck, Trouble, Weight, could_not_tell, failed, passed
from opsctl.security.project_files import known_secrets
from opsctl.security.saying import counted
from opsctl.security.secret_scan import scan

_MOST_BYTES = 32 * 1024 * 1024


def look(context: Context) -> Answer:
    """Scan every log."""
    logs = [path for path in context.machine.logs() if path.is_file() and path.stat().st_size]
    if not logs:
        return could_not_tell(
            "there is no log yet", mend="let the service run and answer something: opsctl stack up service"
        )
    known, troubles, size = known_secrets(context), list[Trouble](), 0
    for path in logs:
        shown = str(path.relative_to(context.root) if path.is_relative_to(context.root) else path)
        text = _newest(path)
        size += len(text)
        for hit in scan(text, path=path.name, known=known):
            # Of a log that is looked at from its middle on, nobody knows the number of a line.
            place = Location(file=shown, line=hit.line if len(text) < _MOST_BYTES else None)
            troubles.append(Trouble(title=hit.kind, place=shown, location=place))
    if troubles:
        return failed(
            f"{counted(len(troubles), 'line')} with what looks like a secret, in {counted(len(logs), 'log')}",
            mend="end the secret and make a new one, then remove the log",
            troubles=tuple(troubles),
        )
    return passed(
        f"{counted(len(logs), 'log')}, {counted(size, 'character')}; {counted(len(known), 'secret')} in use looked for by value"
    )


def _newest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _MOST_BYTES))
            return file.read(_MOST_BYTES).decode(errors="replace")
    except OSError as error:
        raise file_error(error, path=path, doing="read") from error


CHECK = SecurityCheck(
    code="SEC003",
    title="no secrets in logs",
    weight=Weight.HIGH,
    owasp="A09",
    asvs=("V16.2.5",),
    look=look,
    explanation=__doc__ or "",
    is_last=True,
)
