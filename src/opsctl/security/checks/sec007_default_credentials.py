"""Does a server of the project take no password, or one that everybody guesses first?

Looked at: every secret that is set, by a variable or a file (empty, a well-known default, the user's own name, shorter than
12 characters), and every server on another machine without any: PostgreSQL, Qdrant, Redis. A password that stands in an
address of the settings or a book counts the same. Servers on loopback may go without, as anybody who reaches them is on
this machine already. A secret file that cannot be read is told as not known.

Mend: let something random make it, such as `openssl rand -base64 24`, and put it where the settings point.
"""

from collections.abc import Iterator

from opsctl.security.addresses import is_local, read_address
from opsctl.security.context import Context, SecretSource
from opsctl.security.model import Answer, SecurityCheck, Trouble, Weight, could_not_tell, failed, passed
from opsctl.security.project_files import text_of
from opsctl.security.saying import WHERE_SECRETS_ARE, counted
from opsctl.security.settings_text import said_at, said_texts

_SHORTEST = 12
_DEFAULTS = frozenset(
    [
        "admin",
        "administrator",
        "changeme",
        "change-me",
        "default",
        "guest",
        "letmein",
        "master",
        "minio",
        "minioadmin",
        "opsctl",
        "pass",
        "passw0rd",
        "password",
        "password1",
        "postgres",
        "postgresql",
        "qdrant",
        "qwerty",
        "redis",
        "root",
        "secret",
        "supabase",
        "test",
        "toor",
        "user",
        "valkey",
        "welcome",
        "123456",
        "12345678",
    ]
)
# An address that is a secret as a whole is not a password that somebody chose.
_NOT_CHOSEN = ("SENTRY_DSN", "BACKUP_ACCESS_KEY", "BACKUP_OFFSITE_ACCESS_KEY")


def look(context: Context) -> Answer:
    """Look at each secret and each server."""
    set_secrets = [each for each in context.secrets if _is_set(each, context)]
    unreadable = tuple(_unreadable(each) for each in set_secrets if _value_of(each, context) is None)
    troubles = [each for source in set_secrets for each in _weak(source, context)]
    troubles += [*_in_addresses(context), *_without(context)]
    if troubles:
        return failed(
            f"{counted(len(troubles), 'credential')} missing or easy to guess",
            mend="make a random one, such as: openssl rand -base64 24",
            troubles=tuple(troubles),
        )
    if unreadable:
        return could_not_tell(
            f"{counted(len(unreadable), 'file')} of secrets cannot be read here",
            mend=WHERE_SECRETS_ARE,
            troubles=unreadable,
        )
    return passed(
        f"{counted(len(set_secrets), 'secret')} set, none short or well-known; no server goes without"
    )


def _is_set(source: SecretSource, context: Context) -> bool:
    return source.file is not None or bool(source.variable and context.environment.get(source.variable))


def _unreadable(source: SecretSource) -> Trouble:
    return Trouble(title=f"the file of `{source.name}` cannot be read", place=source.named_by)


def _value_of(source: SecretSource, context: Context) -> str | None:
    held = context.environment.get(source.variable or "")
    if held:
        return held
    text = text_of(source.file) if source.file is not None else None
    return text.strip() if text is not None else None


def _weak(source: SecretSource, context: Context) -> Iterator[Trouble]:
    value = _value_of(source, context)
    if value is None or (source.variable or "").endswith(_NOT_CHOSEN):
        return
    why = _why_weak(value, user=None)
    if why:
        yield Trouble(
            title=f"the secret `{source.name}` {why}", place=source.named_by or source.variable or source.name
        )


def _why_weak(value: str, *, user: str | None) -> str | None:
    if not value:
        return "is empty"
    if value.lower() in _DEFAULTS or (user and value.lower() == user.lower()):
        return "is one that everybody tries first"
    return f"has fewer than {_SHORTEST} characters" if len(value) < _SHORTEST else None


def _in_addresses(context: Context) -> Iterator[Trouble]:
    for said in said_texts(context):
        address = read_address(said.value)
        if address is None or address.password is None:
            continue
        why = _why_weak(address.password, user=address.user)
        if why:
            yield Trouble(
                title=f"the password in `{said.name}` {why}", place=said.name, location=said.location
            )


def _without(context: Context) -> Iterator[Trouble]:
    """Yield the servers of other machines for which there is no credential at all."""
    project = context.settings.project
    redis = said_at(context, project.books.cache, "l2.redis_url")
    servers = (
        ("qdrant.url", project.qdrant.url, "OPSCTL_QDRANT_API_KEY"),
        ("database.url", project.database.url, "OPSCTL_DATABASE_PASSWORD"),
        (f"{project.books.cache}: l2.redis_url", redis, "OPSCTL_REDIS_PASSWORD"),
    )
    given = {each.variable for each in context.secrets if _is_set(each, context)}
    for name, url, variable in servers:
        address = read_address(url) if url else None
        if address is None or is_local(address.host) or address.password is not None or variable in given:
            continue
        yield Trouble(
            title=f"`{name}` is on another machine, and no credential for it is set",
            place=name,
            mend=f"set {variable}, or name its file, and have the server ask for it",
        )


CHECK = SecurityCheck(
    code="SEC007",
    title="no default or missing credentials",
    weight=Weight.CRITICAL,
    owasp="A07",
    asvs=("V13.2.3",),
    look=look,
    explanation=__doc__ or "",
)
