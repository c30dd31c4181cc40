"""Where the service may listen."""

import socket
from pathlib import Path

import pytest

from opsctl.core.errors import NotReadyError, UsageError
from opsctl.service.listening import with_free_address
from opsctl.service.serve import ServePlan


def plan(*, host: str = "127.0.0.1", port: int) -> ServePlan:
    """Return a plan for this address."""
    return ServePlan(root=Path(), home=Path(), host=host, port=port, workers=1)


def test_a_port_is_not_shared_with_another_service() -> None:
    """The other one allows it (SO_REUSEPORT), as every running service does; it is refused all the same."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(NotReadyError) as refused:
            with_free_address(plan(port=port))

    assert (refused.value.code, refused.value.why) == ("SVC302", "Address already in use")
    assert with_free_address(plan(port=port)) == plan(port=port)


@pytest.mark.parametrize("host", ["nowhere.invalid", "203.0.113.7", "a" * 300, "no host", "\udcff"])
def test_a_host_that_is_not_of_this_machine_is_refused(host: str) -> None:
    """Instead of a stack trace of the server."""
    with pytest.raises(UsageError) as refused:
        with_free_address(plan(host=host, port=8000))

    assert refused.value.code == "SVC301"


def test_a_name_becomes_the_address_that_the_server_understands() -> None:
    """`localhost` is none to granian."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]

    assert with_free_address(plan(host="localhost", port=port)).host in {"127.0.0.1", "::1"}
