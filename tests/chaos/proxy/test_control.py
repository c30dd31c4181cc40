"""The control sets, renews and ends toxics, and says in words what it does not do."""

import json
import socket
from typing import Any

import httpx
import pytest
from tests.chaos.proxy.running import Rig, eventually, receive_all

from opsctl.chaos.proxy.client import FaultProxy
from opsctl.chaos.proxy.plan import HOST
from opsctl.chaos.proxy.toxics import Down, Fail, Latency, Silent
from opsctl.core.errors import NotReadyError

LATENCY = {"kind": "latency", "delay_seconds": 1}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "the body is no JSON"),
        (b"[]", "no object"),
        (LATENCY, "`ttl_seconds` is missing: a number from 0.05 to 900"),
        ({**LATENCY, "ttl_seconds": 901}, "`ttl_seconds` is 901"),
        ({**LATENCY, "ttl_seconds": True}, "`ttl_seconds` is True"),
        ({**LATENCY, "ttl_seconds": float("nan")}, "`ttl_seconds` is nan"),
        ({"kind": "slow", "ttl_seconds": 1}, "there is no toxic of kind 'slow'"),
        ({"kind": "fail", "status": 500, "ttl_seconds": 1}, "`fail` needs a proxy of protocol `http`"),
    ],
)
def test_wrong_input_is_a_400_with_what_is_wrong(rig: Rig, body: bytes | dict[str, Any], words: str):
    """And nothing is set."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    answer = _ask(rig, "PUT", "/proxies/tcp/toxics/one", content)

    assert answer.status_code == 400
    assert words in answer.json()["error"]
    assert rig.state("tcp").toxics == ()


@pytest.mark.parametrize(
    ("method", "path", "words"),
    [
        ("PUT", "/proxies/nobody/toxics/one", "there is no proxy `nobody`; one of: http, tcp, dead"),
        ("DELETE", "/proxies/nobody/toxics", "there is no proxy `nobody`"),
        ("POST", "/proxies/http/toxics/one/renew", "its time is over, or it was never set"),
        ("GET", "/elsewhere", "there is no `GET /elsewhere`"),
        ("DELETE", "/proxies", "there is no `DELETE /proxies`"),
    ],
)
def test_what_is_not_there_is_a_404(rig: Rig, method: str, path: str, words: str):
    """With what there is instead."""
    answer = _ask(rig, method, path, b'{"kind": "down", "ttl_seconds": 1}')

    assert answer.status_code == 404
    assert words in answer.json()["error"]


def test_health_is_told(rig: Rig):
    """For whoever waits for the process."""
    assert _ask(rig, "GET", "/health").json() == {"status": "ok"}


def test_a_body_that_is_too_large_and_what_is_no_request_are_refused(rig: Rig):
    """And the control goes on."""
    port = int(rig.control_url.rpartition(":")[2])
    for raw in (b"PUT / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", b"\x00\r\n\r\n"):
        with socket.create_connection((HOST, port), timeout=3) as sock:
            sock.sendall(raw)
            assert receive_all(sock)[:12] in (b"HTTP/1.1 413", b"")

    assert _ask(rig, "GET", "/health").status_code == 200


def test_a_name_with_something_else_in_it_is_none(rig: Rig):
    """It stands in paths and in lists."""
    with pytest.raises(NotReadyError) as caught:
        rig.control.set("http", "A b", Down(), ttl_seconds=1)

    assert (caught.value.code, caught.value.why) == ("CHA002", "`A%20b` is no name for a toxic")


def test_a_lease_is_renewed_and_one_that_has_ended_is_not(rig: Rig):
    """Whoever renews learns that it came too late."""
    rig.control.set("http", "late", Latency(delay_seconds=0.1), ttl_seconds=0.2)

    assert rig.control.renew("http", "late", ttl_seconds=30).remaining_seconds > 29

    rig.control.renew("http", "late", ttl_seconds=0.05)
    assert eventually(lambda: rig.state().toxics == ())
    with pytest.raises(NotReadyError) as caught:
        rig.control.renew("http", "late", ttl_seconds=1)
    assert caught.value.code == "CHA003"


def test_toxics_are_ended_one_by_one_by_line_or_all(rig: Rig):
    """Ending what is not there is no error."""
    for name in ("a", "b", "c"):
        rig.control.set("http", name, Fail(status=500), ttl_seconds=30)
    rig.control.set("tcp", "d", Silent(), ttl_seconds=30)

    removed = [
        rig.control.clear("http", "a"),
        rig.control.clear("http", "a"),
        rig.control.clear("http"),
        rig.control.clear(),
        rig.control.clear(),
    ]

    assert removed == [1, 0, 2, 1, 0]
    assert all(proxy.toxics == () for proxy in rig.control.proxies())


def test_a_toxic_is_replaced_by_one_of_its_name(rig: Rig):
    """With a lease of its own."""
    rig.control.set("http", "one", Down(), ttl_seconds=0.2)
    rig.control.set("http", "one", Fail(status=503), ttl_seconds=30)

    (state,) = rig.state().toxics

    assert state.toxic == Fail(status=503)
    assert state.remaining_seconds > 29
    assert rig.client.get("/small").status_code == 503


def test_a_line_bears_only_so_many_toxics(rig: Rig):
    """A loop gone wild is told."""
    for number in range(32):
        rig.control.set("tcp", f"t{number}", Latency(delay_seconds=0), ttl_seconds=30)

    with pytest.raises(NotReadyError) as caught:
        rig.control.set("tcp", "more", Down(), ttl_seconds=30)

    assert "32 toxics" in str(caught.value.why)


def test_a_control_that_is_not_there_is_told():
    """The process has ended, or never ran."""
    with socket.socket() as nobody:
        nobody.bind((HOST, 0))
        url = f"http://{HOST}:{nobody.getsockname()[1]}"

        with pytest.raises(NotReadyError) as caught:
            FaultProxy(url).proxies()

    assert caught.value.code == "CHA001"


def _ask(rig: Rig, method: str, path: str, content: bytes = b"") -> httpx.Response:
    return rig.client.request(method, f"{rig.control_url}{path}", content=content)
