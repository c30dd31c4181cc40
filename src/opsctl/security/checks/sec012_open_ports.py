"""Does a part of the stack listen where other machines can reach it?

The kernel is asked, in /proc, on which addresses the processes of every running part listen. Anything but loopback counts:
the database, the vector node, the watchers and the exporter have no business on a network, and the service belongs behind
something that ends TLS. Where nothing of the stack runs there is nothing to look at, which is no pass.

Mend: `service.host: 127.0.0.1`, or waive the port and say what stands in front of it.
"""

from opsctl.security.addresses import is_local
from opsctl.security.context import Context
from opsctl.security.model import Answer, SecurityCheck, Trouble, Weight, could_not_tell, failed, passed
from opsctl.security.saying import counted


def look(context: Context) -> Answer:
    """Look at every listening socket of the stack."""
    found = context.machine.listening()
    if not found:
        return could_not_tell(
            "nothing of the stack runs", mend="bring it up, as it is in production: opsctl stack up"
        )
    troubles = {
        (each.part, each.port): Trouble(
            title=f"`{each.part}` listens on {each.address}, port {each.port}", place=f":{each.port}"
        )
        for each in found
        if not is_local(each.address)
    }
    if troubles:
        return failed(
            f"{counted(len(troubles), 'port')} can be reached from other machines",
            mend="listen on 127.0.0.1; the service belongs behind something that ends TLS",
            troubles=tuple(troubles.values()),
        )
    parts = {each.part for each in found}
    return passed(
        f"{counted(len({each.port for each in found}), 'port')} of {counted(len(parts), 'part')}, on loopback alone"
    )


CHECK = SecurityCheck(
    code="SEC012",
    title="no open ports of the stack",
    weight=Weight.HIGH,
    owasp="A02",
    asvs=("V13.4.5", "V15.2.3"),
    look=look,
    explanation=__doc__ or "",
)
