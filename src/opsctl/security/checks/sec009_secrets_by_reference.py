"""Does every secret come from a file or a variable, and is it younger than a year?

The audit lists each secret that is set, where it comes from and how old its file is; the value is never shown or kept. The
age of a variable is not known. It counts when a password stands in an address of the settings or a book, when a file and a
variable both say what the secret is (the variable wins, and whoever changes the file wonders), or when a file is older than
365 days. A file that is named and not there is told as not known.

Mend: put the secret into a file with mode 600 and name it, or set the variable; make a new one once a year, and at once
when somebody leaves who knew it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from opsctl.security.addresses import read_address
from opsctl.security.context import Context, SecretSource
from opsctl.security.model import Answer, SecurityCheck, Trouble, Weight, could_not_tell, failed, passed
from opsctl.security.saying import WHERE_SECRETS_ARE, counted, in_days
from opsctl.security.settings_text import said_texts

_OLDEST_SECONDS = 365 * 24 * 3600.0


def look(context: Context) -> Answer:
    """List each secret's origin and age."""
    used = [each for each in context.secrets if each.file is not None or _in_variable(each, context)]
    rows = [_row(each, context) for each in used]
    troubles = (*_in_addresses(context), *(each for source in used for each in _of(source, context)))
    if troubles:
        return failed(
            f"{counted(len(troubles), 'trouble')} with {counted(len(used), 'secret')}",
            mend="name a file with mode 600, or a variable; make new what is old",
            troubles=troubles,
            secrets=rows,
        )
    missing = tuple(_missing(each) for each in used if _is_missing(each, context))
    if missing:
        return could_not_tell(
            f"{counted(len(missing), 'file')} of secrets not here",
            mend=WHERE_SECRETS_ARE,
            troubles=missing,
            secrets=rows,
        )
    return passed(f"{counted(len(used), 'secret')} set, by reference and younger than a year", secrets=rows)


def _in_variable(source: SecretSource, context: Context) -> bool:
    return bool(source.variable and context.environment.get(source.variable))


def _is_missing(source: SecretSource, context: Context) -> bool:
    return source.file is not None and not source.file.is_file() and not _in_variable(source, context)


def _missing(source: SecretSource) -> Trouble:
    return Trouble(title=f"the file of `{source.name}` is not here", place=source.named_by)


def _age_seconds(source: SecretSource, context: Context) -> float | None:
    if source.file is None or not source.file.is_file() or _in_variable(source, context):
        return None
    changed = datetime.fromtimestamp(source.file.stat().st_mtime, tz=UTC)
    return max(0.0, (context.now - changed).total_seconds())


def _row(source: SecretSource, context: Context) -> dict[str, Any]:
    origin = (
        f"variable {source.variable}" if _in_variable(source, context) else f"file {_shown(source, context)}"
    )
    age = _age_seconds(source, context)
    return {
        "name": source.name,
        "origin": origin,
        "named_by": source.named_by or source.variable,
        "age_seconds": None if age is None else round(age),
    }


def _shown(source: SecretSource, context: Context) -> str:
    file = source.file
    if file is None:
        return "-"
    return str(file.relative_to(context.root) if file.is_relative_to(context.root) else file)


def _of(source: SecretSource, context: Context) -> Iterator[Trouble]:
    place = source.named_by or source.variable or source.name
    if source.file is not None and source.file.is_file() and _in_variable(source, context):
        title = f"both `{source.variable}` and `{_shown(source, context)}` say what `{source.name}` is"
        yield Trouble(title=title, place=place, mend="keep one of the two")
    age = _age_seconds(source, context)
    if age is not None and age > _OLDEST_SECONDS:
        title = f"`{source.name}` is {in_days(timedelta(seconds=age))} old"
        yield Trouble(title=title, place=place, mend="make a new one, and end the old one where it is used")


def _in_addresses(context: Context) -> Iterator[Trouble]:
    for said in said_texts(context):
        address = read_address(said.value)
        if address is not None and address.password is not None:
            yield Trouble(
                title=f"a password stands in `{said.name}`", place=said.name, location=said.location
            )


CHECK = SecurityCheck(
    code="SEC009",
    title="secrets by reference, none too old",
    weight=Weight.HIGH,
    owasp="A02",
    asvs=("V13.3.1",),
    look=look,
    explanation=__doc__ or "",
)
