"""`opsctl status` against small real servers: a service, Prometheus and Alertmanager as a test scripts them."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import typer
from tests.cli.command import run_opsctl
from tests.scratch_project import free_port
from tests.terminal import terminal

from opsctl.cli.looking import interval

METRICS = """
ranking_workers 2
ranking_requests_total{{route="feed",status="2xx"}} {good}
ranking_requests_total{{route="feed",status="5xx"}} {bad}
ranking_dependency_up{{dependency="vectors"}} {vectors}
"""


class World:
    """What the servers say; `asked` counts looks at the metrics, and at one of them there are none."""

    def __init__(self) -> None:
        self.asked = 0
        self.errors = 0
        self.vectors = 1
        self.text: str | None = None
        self.gone_at = 0
        self.alerts: list[dict[str, Any]] = []
        self.held: list[dict[str, Any]] = []

    def answer(self, path: str) -> str:
        """Return the body of a path; each look at the metrics finds a hundred requests more."""
        if path == "/metrics":
            self.asked += 1
            good, bad = 100 * self.asked, self.errors * self.asked
            if self.asked == self.gone_at:
                return "gone"
            return self.text or METRICS.format(good=good, bad=bad, vectors=self.vectors)
        if path == "/api/v1/alerts":
            return json.dumps({"status": "success", "data": {"alerts": self.alerts}})
        return json.dumps(self.held)


@contextmanager
def serving(world: World) -> Iterator[str]:
    """Serve a world on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = world.answer(self.path).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Give a world that the project in the test's folder looks at."""
    made = World()
    with serving(made) as url:
        (tmp_path / "opsctl.yaml").write_text(
            f"service: {{url: '{url}'}}\nwatch: {{prometheus_url: '{url}', alertmanager_url: '{url}'}}\n"
        )
        yield made


def alert(name, *, severity="warning", state="firing", **labels):
    """Return an alert as Prometheus tells it."""
    return {
        "labels": {"alertname": name, "severity": severity, **labels},
        "annotations": {"summary": f"{name} is wrong."},
        "state": state,
        "value": "1e+00",
    }


def held(found, *, by):
    """Return the same alert as Alertmanager holds it."""
    status = {"state": "suppressed", "inhibitedBy": [by], "silencedBy": []}
    return {"fingerprint": "f", "labels": found["labels"], "receivers": [{"name": "slack"}], "status": status}


def status(folder, *words):
    """Look once, quickly."""
    return run_opsctl("status", "--every", "500ms", *words, folder=folder)


@pytest.mark.slow
def test_a_service_that_is_well_ends_with_0(tmp_path, world):
    """Figures come from two looks at its metrics; the alert that always fires is no trouble."""
    world.alerts = [alert("Watchdog", severity="none")]

    shown = status(tmp_path, "--json")

    document = json.loads(shown.stdout)
    assert (shown.exit_code, document["schema"], document["ok"]) == (0, "opsctl.status/v1", True)
    found = document["data"]["signals"]
    assert found["rate"] == pytest.approx(100 / found["seconds"])
    assert found["error_ratio"] == 0.0
    assert found["dependencies"] == {"vectors": True}
    assert world.asked == 2


@pytest.mark.slow
def test_trouble_ends_with_1_and_names_the_runbook(tmp_path, world):
    """Symptoms first; what Alertmanager holds back is said to be."""
    cause = alert("vectors_unreachable", dependency="vectors")
    world.errors, world.vectors = 5, 0
    world.alerts = [cause, alert("high_error_rate", severity="critical"), alert("soon", state="pending")]
    world.held = [held(cause, by="g")]

    shown = status(tmp_path)

    assert shown.exit_code == 1
    assert "✘ not well" in shown.stdout
    assert "✘ vectors does not answer" in shown.stdout
    assert "● critical high_error_rate  high_error_rate is wrong." in shown.stdout
    assert "● warning vectors_unreachable (muted)" in shown.stdout
    assert "○ pending: soon" in shown.stdout
    assert "`opsctl runbooks show high_error_rate`" in shown.stderr


@pytest.mark.slow
def test_without_watchers_it_says_how_to_get_them(tmp_path, world):
    """The figures are there all the same."""
    url = (tmp_path / "opsctl.yaml").read_text().splitlines()[0]
    (tmp_path / "opsctl.yaml").write_text(url + "\n")

    shown = status(tmp_path)

    assert shown.exit_code == 0
    assert "nobody watches" in shown.stdout
    assert "opsctl stack up --watch" in shown.stderr


def test_a_prometheus_that_is_gone_is_told_and_the_rest_is_shown(tmp_path, world):
    """One thing that is down does not blind us for the others."""
    with (tmp_path / "opsctl.yaml").open("a") as file:
        file.truncate(0)
        file.write(
            f"service: {{url: 'http://127.0.0.1:{free_port()}'}}\n"
            f"watch: {{prometheus_url: 'http://127.0.0.1:{free_port()}'}}\n"
        )

    shown = status(tmp_path)

    assert shown.exit_code == 3
    assert "✘ no figures" in shown.stdout
    assert "opsctl stack up" in shown.stdout
    assert "Prometheus at" in shown.stderr


@pytest.mark.slow
def test_something_else_at_the_address_is_not_taken_for_the_service(tmp_path, world):
    """A proxy's page has no figures, and another program's are not ours."""
    world.text = "<html>\x00</html>\nup 1\n"

    assert status(tmp_path).exit_code == 3


@pytest.mark.parametrize("every", ["3", "1ms", "1h", "soon", ""])
def test_a_time_that_makes_no_sense_is_refused(every):
    """Before anything is asked."""
    with pytest.raises(typer.BadParameter) as refused:
        interval(every)
    assert refused.value.param_hint == "--every"
    assert interval("1m30s") == 90.0


def watching(folder, *words):
    """Start the command that goes on."""
    return subprocess.Popen(
        [sys.executable, "-m", "opsctl", "status", "--watch", "--every", "500ms", *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )


@pytest.mark.slow
def test_watching_writes_a_line_a_look_until_it_is_told_to_end(tmp_path, world):
    """A service that goes away and comes back is a line like any other."""
    world.gone_at = 3
    with watching(tmp_path, "--json") as process:
        lines = iter(process.stdout or ())
        looks = [json.loads(next(lines)) for _ in range(4)]
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)

    assert (process.returncode, errors) == (0, "")
    assert {look["schema"] for look in looks} == {"opsctl.status.look/v1"}
    assert [look["data"]["signals"] is not None for look in looks] == [True, False, False, True]
    assert [look["data"]["silence"] is None for look in looks] == [True, False, False, True]


@pytest.mark.slow
def test_watching_without_a_terminal_prints_a_page_a_look(tmp_path, world):
    """For a log."""
    with watching(tmp_path) as process:
        said = ""
        for line in process.stdout or ():
            said += line
            if said.count("✔ well") == 2:
                break
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)

    assert process.returncode == 0
    assert "requests" in said
    assert "\x1b" not in said


@pytest.mark.slow
def test_at_a_terminal_it_draws_in_place_until_q(tmp_path, world):
    """And leaves the screen as it was."""
    words = ("-m", "opsctl", "status", "--watch", "--every", "500ms")
    with terminal([sys.executable, *words], folder=tmp_path) as screen:
        screen.wait_for("✔ well")
        screen.press("q")

        assert screen.wait() == 0
    assert screen.said.index("\x1b[?1049h") < screen.said.index("✔ well") < screen.said.index("\x1b[?1049l")
