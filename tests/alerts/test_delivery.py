"""A real Alertmanager with the shipped routes hands messages to every kind of receiver, and mutes what it should."""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import httpx
import pytest
from tests.alerts.books import compiled, shipped
from tests.scratch_project import free_port
from tests.stack.sink.running import RunningSink, running_sink

from opsctl.alerts.alertmanager import Rehearsal, render_alertmanager
from opsctl.alerts.route_tests import labels_of
from opsctl.clients.alert_sink import Delivery, deliveries_since
from opsctl.clients.alertmanager import Alertmanager, PostedAlert

BEAT_SECONDS = 2
PROGRAM = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="Alertmanager is not installed")


def until(holds: Callable[[], bool], *, seconds: float = 60) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to hold"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def sink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSink]:
    """Run a sink."""
    with running_sink(tmp_path_factory.mktemp("sink")) as running:
        yield running


@pytest.fixture(scope="module")
def alertmanager(sink: RunningSink, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alertmanager]:
    """Run Alertmanager on the rehearsal of the shipped books."""
    folder = tmp_path_factory.mktemp("alertmanager")
    books = shipped()
    books = replace(books, delivery=books.delivery.model_copy(update={"watchdog_every": f"{BEAT_SECONDS}s"}))
    rehearsal = Rehearsal(sink_url=sink.url, smtp_address=f"127.0.0.1:{sink.mail_port}")
    file = folder / "alertmanager.yml"
    text = render_alertmanager(books, compiled(books), rehearsal=rehearsal)
    # What is waited for is not what is tested here.
    text = text.replace("group_interval: 30s", "group_interval: 1s").replace(
        "group_wait: 5s", "group_wait: 0s"
    )
    file.write_text(text, encoding="utf-8")
    port = free_port()
    process = subprocess.Popen(
        [
            str(PROGRAM),
            f"--config.file={file}",
            f"--storage.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: _answers(port))
        yield Alertmanager(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(timeout=20)


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/-/ready", timeout=1).is_success
    except httpx.HTTPError:
        return False


def posted(*names: str, is_over: bool = False) -> list[PostedAlert]:
    """Return alerts as Prometheus would send them."""
    rules = compiled(shipped())
    found = [alert for name in names if (alert := rules.alert(name)) is not None]
    assert len(found) == len(names)
    return [
        PostedAlert(labels=labels_of(alert), annotations=dict(alert.annotations), is_over=is_over)
        for alert in found
    ]


def told(sink: RunningSink, name: str, *, status: str = "firing") -> dict[str, Delivery]:
    """Return the messages about an alert by channel."""
    return {
        each.channel: each
        for each in deliveries_since(sink.url, 0)
        if each.alertname == name and each.status == status
    }


def test_the_three_alerts_of_the_brief_reach_pager_chat_and_mail(
    alertmanager: Alertmanager, sink: RunningSink
):
    """Each with its severity, its runbook, and the message that everything is over."""
    wanted = {"high_error_rate": "pagerduty", "slow_feed_generation": "slack", "quality_drift": "email"}

    alertmanager.post(posted(*wanted))
    until(lambda: all(channel in told(sink, name) for name, channel in wanted.items()))
    messages = {name: told(sink, name)[channel] for name, channel in wanted.items()}
    alertmanager.post(posted(*wanted, is_over=True))
    until(lambda: all(channel in told(sink, name, status="resolved") for name, channel in wanted.items()))

    for name, message in messages.items():
        assert message.runbook_url.endswith(f"{name}.md")
        assert message.severity in ("critical", "warning")


def test_a_sign_of_life_goes_to_the_dead_mans_switch(alertmanager: Alertmanager, sink: RunningSink):
    """And to nobody who sleeps."""
    alertmanager.post(posted("Watchdog"))

    until(lambda: "webhook" in told(sink, "Watchdog"))

    assert set(told(sink, "Watchdog")) == {"webhook"}


@pytest.mark.slow
def test_the_sign_of_life_comes_as_often_as_the_book_says(alertmanager: Alertmanager, sink: RunningSink):
    """A switch that waits for it rings when one beat is left out."""

    def beats() -> list[float]:
        return [each.at for each in deliveries_since(sink.url, 0) if each.alertname == "Watchdog"]

    alertmanager.post(posted("Watchdog"))
    until(lambda: len(beats()) >= 4)

    first, *_, last = beats()[:4]
    assert last - first < 3 * BEAT_SECONDS * 1.5


def test_what_a_worse_alert_explains_is_muted(alertmanager: Alertmanager):
    """The cause speaks for its consequences, as its book says."""
    rules = compiled(shipped())
    muted = next(alert for alert in rules.alerts if alert.inhibited_by)
    source = muted.inhibited_by[0]

    alertmanager.post(posted(source))
    alertmanager.post(posted(muted.name))

    until(
        lambda: (
            "suppressed"
            in {each.state for each in alertmanager.alerts() if each.labels["alertname"] == muted.name}
        )
    )
