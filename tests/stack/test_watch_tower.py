"""Prometheus, Alertmanager, exporter and sink come up with rules, read new ones, and keep the old where new ones are none."""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.scratch_project import init_project

from opsctl.clients.alert_sink import deliveries_since
from opsctl.clients.prometheus import Prometheus
from opsctl.core.clock import SystemClock
from opsctl.core.errors import FailedError
from opsctl.core.events import ignore
from opsctl.stack.down import stop_stack
from opsctl.stack.model import PartName, Place, StackState
from opsctl.stack.spec import WATCHERS
from opsctl.stack.watch_files import WatchFiles
from opsctl.stack.watch_tower import start_watch_tower

pytestmark = [
    pytest.mark.stack,
    pytest.mark.skipif(shutil.which("prometheus") is None, reason="Prometheus is not installed"),
]
# Prometheus loses what fires before it has found Alertmanager, and repeats it after a minute only.
RULES = "groups: [{{name: test, rules: [{{alert: {name}, expr: vector(1), for: 6s, labels: {{severity: info}}}}]}}]\n"
ROUTES = """
route: {{receiver: sink, group_by: [alertname], group_wait: 0s, group_interval: 1s}}
receivers: [{{name: sink, webhook_configs: [{{url: "http://127.0.0.1:{port}/webhook/sink"}}]}}]
"""


@pytest.fixture(scope="module")
def home(open_folder: Path) -> Iterator[Path]:
    """Give the state folder of a new project, whose stack is stopped after the tests."""
    root = init_project(open_folder / "watched").root
    yield root / ".opsctl"
    stop_stack(root / ".opsctl", listener=ignore, clock=SystemClock())


def up(home: Path, rules: str) -> StackState:
    """Start the watchers with rules, or have those that run read them."""

    def files(sink: Place) -> WatchFiles:
        routes = ROUTES.format(port=sink.port)
        return WatchFiles(rules={"test": rules}, alertmanager=routes, scrape_every="1s", evaluate_every="1s")

    return start_watch_tower(home, files=files, listener=ignore, clock=SystemClock(), project=home.parent)


def url(state: StackState, name: PartName) -> str:
    """Return the address of a part."""
    return state.part(name).url or ""


def until(holds: Callable[[], bool], *, seconds: float = 40) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to hold"
        time.sleep(0.2)


@pytest.mark.slow
def test_an_alert_goes_from_its_rule_to_the_sink(home: Path):
    """Through the real Prometheus and the real Alertmanager."""
    state = up(home, RULES.format(name="First"))

    sink = url(state, PartName.SINK)
    until(lambda: "First" in {each.alertname for each in deliveries_since(sink, 0)})


@pytest.mark.slow
def test_new_rules_are_read_without_a_restart_and_wrong_ones_are_refused(home: Path):
    """What ran goes on with what it had."""
    before = up(home, RULES.format(name="First"))
    after = up(home, RULES.format(name="Second"))
    prometheus = Prometheus(url(after, PartName.PROMETHEUS))
    until(lambda: "Second" in {each.name for each in prometheus.alerts()})

    with pytest.raises(FailedError) as caught:
        up(home, "groups: [{name: test, rules: [{alert: Third, expr: 'sum('}]}]\n")

    assert caught.value.code == "STK031"
    assert "Second" in {each.name for each in prometheus.alerts()}
    assert url(before, PartName.PROMETHEUS) == url(after, PartName.PROMETHEUS)


def test_down_ends_them_all(home: Path):
    """Twice is no error."""
    up(home, RULES.format(name="First"))

    stop_stack(home, listener=ignore, clock=SystemClock(), only=tuple(WATCHERS))
    state = stop_stack(home, listener=ignore, clock=SystemClock(), only=tuple(WATCHERS))

    assert {part.status.value for part in state.parts if part.name in WATCHERS} == {"stopped"}
