"""Does a part of the stack listen where other machines can reach it?

The kernel is asked, in /proc, on which addresses the processes of every running part listen. Anything but loopback counts:
the database, the vector node, the watchers and the exporter have no business on a network, and the service belongs behind
something that ends TLS. Where the service of the stack does not run it could not tell, whatever else does. A service that
`opsctl serve` runs is judged by `service.host` (SEC010).

Mend: `service.host: 127.0.0.1`, or waive the port and say what stands in front of it.
"""

from opsctl.security.addresses import is_local
from opsctl.security.context import Context
from opsctl.security.model import Answer, SecurityCheck, Trouble, Weight, could_not_tell, failed, passed
from opsctl.security.saying import counted

_SERVICE = "service"


def look(context: Context) -> Answer:
    """Look at every listening socket of the stack."""
    found = context.machine.listening()
    open_ports = {
        (each.part, each.port): Trouble(
            title=f"`{each.part}` listens on {each.address}, port {each.port}", place=f":{each.port}"
        )
        for each in found
        if not is_local(each.address)
    }
    if open_ports:
        return failed(
            f"{counted(len(open_ports), 'port')} can be reached from other machines",
            mend="listen on 127.0.0.1; the service belongs behind something that ends TLS",
            troubles=tuple(open_ports.values()),
        )
    parts = dict.fromkeys(each.part for each in found)
    seen = f"{', '.join(parts)} on loopback alone" if parts else "nothing of the stack runs"
    if _SERVICE not in parts:
        return could_not_tell(
            f"the service of the stack does not run; {seen}",
            mend="bring it up, as it is in production: opsctl stack up",
        )
    return passed(f"{counted(len({each.port for each in found}), 'port')}: {seen}")


CHECK = SecurityCheck(
    code="SEC012",
    title="no open ports of the stack",
    weight=Weight.HIGH,
    owasp="A02",
    asvs=("V13.4.5", "V15.2.3"),
    look=look,
    explanation=__doc__ or "",
    is_last=True,
)
