"""Ports on which a process listens, as the kernel tells them."""

import os
import socket
import subprocess
import sys

import pytest

from opsctl.clients.listeners import address_of, listeners_of


@pytest.mark.skipif(sys.byteorder != "little", reason="the texts are those of a little-endian machine")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0100007F:1F90", ("127.0.0.1", 8080)),
        ("00000000:0050", ("0.0.0.0", 80)),  # noqa: S104 - read, not bound
        ("00000000000000000000000001000000:0016", ("::1", 22)),
        ("00000000000000000000000000000000:0016", ("::", 22)),
        ("0000000000000000FFFF00000100007F:1F90", ("127.0.0.1", 8080)),
    ],
)
def test_addresses_as_the_kernel_writes_them(text: str, expected: tuple[str, int]) -> None:
    """Of both families, and of the one inside the other."""
    assert address_of(text) == expected


def test_a_listening_socket_of_ours_is_found_and_a_connected_one_is_not() -> None:
    """On its own address, for the process that holds it."""
    with socket.socket() as server, socket.socket() as client:
        server.bind(("127.0.0.1", 0))
        server.listen()
        client.connect(server.getsockname())
        port = server.getsockname()[1]

        found = listeners_of([os.getpid()])

        assert (os.getpid(), "127.0.0.1", port) in found
        assert client.getsockname()[1] not in {each.port for each in found}


def test_a_socket_on_every_address_is_told_as_such() -> None:
    """Of another process: that is what the audit is after."""
    script = (
        "import socket, sys\n"
        "s = socket.socket(); s.bind(('0.0.0.0', 0)); s.listen()\n"
        "print(s.getsockname()[1], flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())

        found = listeners_of([process.pid])

        assert [(each.address, each.port) for each in found] == [("0.0.0.0", port)]  # noqa: S104 - read, not bound
        process.communicate("")


def test_a_process_that_is_gone_listens_nowhere() -> None:
    """That is no error: it has just ended."""
    assert listeners_of([2**22 + 1]) == ()
