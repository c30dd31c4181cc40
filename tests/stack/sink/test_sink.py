"""The sink takes what receivers would get, on real sockets, and refuses the rest without falling over."""

import json
import smtplib
import socket
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest
from tests.stack.sink.running import RunningSink, running_sink

from opsctl.clients.alert_sink import deliveries_since
from opsctl.core.errors import NotReadyError


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[RunningSink]:
    """Run a sink on free ports."""
    with running_sink(tmp_path / "sink") as running:
        yield running


WEBHOOK = {
    "status": "firing",
    "commonLabels": {"alertname": "HighErrorRate", "severity": "critical", "service": "ranking"},
    "commonAnnotations": {"summary": "<b>Errors</b> 🔥", "runbook_url": "https://runbooks.example/x"},
}


def test_a_webhook_is_kept_in_memory_and_in_the_file(sink: RunningSink):
    """Labels, texts and all."""
    httpx.post(f"{sink.url}/webhook/on-call", json=WEBHOOK).raise_for_status()

    (told,) = deliveries_since(sink.url, 0)
    assert (told.receiver, told.channel, told.status) == ("on-call", "webhook", "firing")
    assert (told.alertname, told.severity, told.summary) == ("HighErrorRate", "critical", "<b>Errors</b> 🔥")
    assert json.loads(sink.file.read_text())["runbook_url"] == "https://runbooks.example/x"
    assert deliveries_since(sink.url, told.id) == ()


def test_mail_arrives_by_smtp(sink: RunningSink):
    """With an address, a subject, and lines that begin with a dot."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = (
        "a@example.com",
        "team@example.com",
        "[firing] QualityDrift 🌿",
    )
    mail["X-Opsctl-Receiver"] = "mail"
    mail.set_content("summary\n.a dot\n..two\n")
    with smtplib.SMTP("127.0.0.1", sink.mail_port, timeout=5) as client:
        client.send_message(mail)

    (told,) = deliveries_since(sink.url, 0)
    assert told.channel == "email"
    assert "\n.a dot" in json.loads(sink.file.read_text())["raw"].replace("\r", "")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/webhook/x", b"no json", 400),
        ("/webhook/x", b"[1, 2]", 400),
        ("/webhook/x", b"\xff\xfe", 400),
        ("/pagerduty/x", b"{}", 400),
        ("/pagerduty/x", b'{"routing_key": "k", "payload": []}', 400),
        ("/slack/x", b"null", 400),
        ("/slack/x", b'{"attachments": [{"fields": 5}]}', 400),
        ("/teams/x", b"{}", 404),
        ("/", b"{}", 404),
    ],
)
def test_what_no_receiver_would_take_is_refused(sink: RunningSink, path: str, body: bytes, status: int):
    """And the next good message still comes in."""
    assert httpx.post(sink.url + path, content=body).status_code == status

    httpx.post(f"{sink.url}/webhook/x", json=WEBHOOK).raise_for_status()
    assert len(deliveries_since(sink.url, 0)) == 1


def test_half_a_character_breaks_no_page(sink: RunningSink):
    """JSON may spell what no UTF-8 has."""
    body = json.dumps(WEBHOOK | {"commonAnnotations": {"summary": "\ud800"}})
    httpx.post(f"{sink.url}/webhook/x", content=body).raise_for_status()

    (told,) = deliveries_since(sink.url, 0)
    assert told.summary == "?"
    assert httpx.get(sink.url).is_success


@pytest.mark.parametrize("length", ["99999999999999999999", "-1", "1e3", "²", str(1024 * 1024 + 1)])
def test_a_length_that_is_too_large_or_none_is_not_read(sink: RunningSink, length: str):
    """The server closes instead of waiting for what will not come."""
    host, port = sink.servers[0].server_address[:2]
    with socket.create_connection((str(host), int(port)), timeout=5) as raw:
        raw.sendall(f"POST /webhook/x HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode())
        assert b" 404 " in raw.recv(200)


@pytest.mark.parametrize("since", ["x", "-1", "1" * 30, "²"])
def test_asking_since_what_is_no_number_is_refused(sink: RunningSink, since: str):
    """With a word of why."""
    answer = httpx.get(f"{sink.url}/received", params={"since": since})

    assert (answer.status_code, answer.text) == (400, "`since` is no number\n")


def test_the_page_shows_texts_and_runs_none_of_them(sink: RunningSink):
    """Labels come from outside."""
    httpx.post(f"{sink.url}/webhook/%3Cscript%3E", json=WEBHOOK).raise_for_status()

    page = httpx.get(sink.url)

    assert "&lt;b&gt;Errors&lt;/b&gt;" in page.text
    assert "<script>" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_a_sink_that_is_gone_has_a_next_step(sink: RunningSink):
    """The command that starts it."""
    with pytest.raises(NotReadyError) as caught:
        deliveries_since("http://127.0.0.1:9", 0)

    assert caught.value.code == "SNK001"
    assert "opsctl stack up --watch" in str(caught.value.fix)
