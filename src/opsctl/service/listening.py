"""Can the service listen where it is told to: asked before anything is started."""

import errno
import socket
from dataclasses import replace

from opsctl.core.errors import NotReadyError, UsageError
from opsctl.service.serve import ServePlan


def with_free_address(plan: ServePlan) -> ServePlan:
    """Return the plan with its host as an IP address, at which nobody listens yet.

    The server shares its port among its workers (SO_REUSEPORT), so the kernel would let it share one with a service
    that runs already, perhaps that of another project, and each would get a part of the requests.

    Raises:
        UsageError: SVC301 the host is no address of this machine.
        NotReadyError: SVC302 the port is taken, or not for this user.
    """
    family, address = _resolved(plan)
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # Without it a port whose last server just ended looks taken for a minute.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, plan.port))
        except OSError as error:
            raise _refused(plan, error) from error
    return replace(plan, host=address)


def _resolved(plan: ServePlan) -> tuple[int, str]:
    try:
        found = socket.getaddrinfo(plan.host, plan.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
    except (OSError, UnicodeError) as error:
        raise _no_address(plan, str(error)) from error
    return family, str(address[0])


def _refused(plan: ServePlan, error: OSError) -> UsageError | NotReadyError:
    if error.errno == errno.EADDRNOTAVAIL:
        return _no_address(plan, str(error.strerror))
    return NotReadyError(
        f"the service cannot listen at `{plan.host}:{plan.port}`",
        code="SVC302",
        why=error.strerror,
        fix=f"see who does: ss -ltnp 'sport = :{plan.port}'; or choose another port: --port {plan.port % 65535 + 1}",
    )


def _no_address(plan: ServePlan, why: str) -> UsageError:
    return UsageError(
        f"`{plan.host}` is no address of this machine",
        code="SVC301",
        why=why,
        fix="listen at one of its own: --host 127.0.0.1",
    )
