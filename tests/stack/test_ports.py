"""A part keeps its port as long as that is free."""

import socket

from opsctl.stack.ports import HOST, choose_port, is_free


def test_the_same_owner_gets_the_same_port_and_it_is_free() -> None:
    """Without a record the owner's name decides, so that addresses stay."""
    first = choose_port(owner="/a/project:postgres")

    assert choose_port(owner="/a/project:postgres") == first
    assert is_free(first) is True
    assert 20_000 <= first < 32_000


def test_a_taken_port_is_passed_over() -> None:
    """Neither the recorded nor the preferred port is given out while somebody listens on it."""
    preferred = choose_port(owner="somebody")
    with socket.create_server((HOST, preferred)):
        assert is_free(preferred) is False
        assert choose_port(owner="somebody") != preferred
        assert choose_port(owner="somebody", recorded=preferred) != preferred
    assert choose_port(owner="somebody else", recorded=preferred) == preferred
