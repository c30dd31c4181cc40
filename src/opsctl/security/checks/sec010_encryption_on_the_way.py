"""Can somebody on the way read or change what the parts of the project say to each other?

Looked at: every address in the settings and in the books of the project. What leaves this machine has to go by `https`,
`rediss`, or PostgreSQL with `sslmode=verify-full`: weaker modes encrypt, and do not prove whose server it is. Mail has to
require TLS. An address of a kind that is not known here, such as `grpc://`, could not be judged. `opsctl serve` speaks plain HTTP, so where it listens on more than loopback, something in front of it has to end
TLS; that is told as a failure, because nobody here can see whether it does.

Mend: write the encrypted form of the address. Where TLS ends in front of the service, waive `service.host` and say what does.
"""

from collections.abc import Iterator

from opsctl.security.addresses import is_local, is_understood, read_address, why_unsafe
from opsctl.security.context import Context
from opsctl.security.model import Answer, SecurityCheck, Trouble, Weight, could_not_tell, failed, passed
from opsctl.security.saying import counted
from opsctl.security.settings_text import said_texts


def look(context: Context) -> Answer:
    """Look at every address."""
    looked_at, troubles, strange = 0, list(_of_service(context)), list[Trouble]()
    for said in said_texts(context):
        address = read_address(said.value)
        if address is None:
            continue
        looked_at += 1
        if not is_understood(address):
            title = f"`{said.name}`: whether `{address.scheme}` is encrypted is not known here"
            strange.append(Trouble(title=title, place=said.name, location=said.location))
        why = why_unsafe(address)
        if why is not None:
            troubles.append(Trouble(title=f"`{said.name}`: {why}", place=said.name, location=said.location))
    troubles += _of_mail(context)
    if troubles:
        return failed(
            f"{counted(len(troubles), 'way')} not encrypted, or not surely to whom they should lead",
            mend="use https, rediss, or PostgreSQL with sslmode=verify-full",
            troubles=tuple(troubles),
        )
    if strange:
        return could_not_tell(
            f"{counted(len(strange), 'address', many='addresses')} of a kind that is not known here",
            mend="see how it is encrypted, and waive its place (`state: unknown`) with what you found",
            troubles=tuple(strange),
        )
    return passed(
        f"{counted(looked_at, 'address', many='addresses')}: each is encrypted, or stays on this machine"
    )


def _of_service(context: Context) -> Iterator[Trouble]:
    host = context.settings.project.service.host
    if not is_local(host):
        yield Trouble(
            title=f"the service listens on `{host}` and speaks plain HTTP",
            place="service.host",
            mend="listen on 127.0.0.1, or end TLS in front of it and waive `service.host`",
        )


def _of_mail(context: Context) -> Iterator[Trouble]:
    from opsctl.config.marks import read_marked
    from opsctl.security.project_files import text_of

    book = f"{context.settings.project.books.alerts}/delivery.yaml"
    found = read_marked(text_of(context.root / book) or "", file=book).value
    receivers = found.get("receivers") if isinstance(found, dict) else None
    for name, receiver in (receivers or {}).items():
        if not isinstance(receiver, dict) or receiver.get("kind") != "email":
            continue
        host = str(receiver.get("smarthost", "")).rpartition(":")[0]
        if receiver.get("require_tls") is False and not is_local(host):
            yield Trouble(
                title=f"mail to `{name}` goes to `{host}` without TLS",
                place=f"{book}: receivers.{name}.require_tls",
            )


CHECK = SecurityCheck(
    code="SEC010",
    title="encryption on every way out",
    weight=Weight.HIGH,
    owasp="A04",
    asvs=("V12.2.1", "V12.3.1", "V12.3.2", "V12.3.3"),
    look=look,
    explanation=__doc__ or "",
)
