"""The client of Prometheus: answers taken apart, refusals and silence told apart, and once against the real thing."""

import math
import shutil
import subprocess
import time
from collections.abc import Iterator

import httpx
import pytest
from tests.scratch_project import free_port

from opsctl.clients.prometheus import ActiveAlert, Point, Prometheus, Series
from opsctl.core.errors import NotReadyError, UsageError

URL = "http://prometheus.test:9090"


def answering(body, *, status=200, seen=None):
    """Return a client of a server that always answers this."""

    def answer(request):
        if seen is not None:
            seen.append(request)
        return (
            httpx.Response(status, json=body)
            if not isinstance(body, str)
            else httpx.Response(status, text=body)
        )

    return Prometheus(URL + "/", transport=httpx.MockTransport(answer))


def good(data):
    """Return the envelope of a good answer."""
    return {"status": "success", "data": data}


def test_values_of_now_come_with_their_labels_also_those_that_are_no_numbers():
    """JSON has no word for them, so Prometheus writes them as text."""
    seen: list[httpx.Request] = []
    values = {"a": "1.5", "b": "NaN", "c": "+Inf", "d": "-Inf", "e": "0"}
    data = {
        "resultType": "vector",
        "result": [{"metric": {"x": name}, "value": [17.5, value]} for name, value in values.items()],
    }

    found = answering(good(data), seen=seen).query('up{job="a b"} & é')

    assert [point.labels["x"] for point in found] == list(values)
    assert [point.value for point in found if not math.isnan(point.value)] == [1.5, math.inf, -math.inf, 0.0]
    assert seen[0].url.path == "/api/v1/query"
    assert seen[0].url.params["query"] == 'up{job="a b"} & é'


def test_a_plain_number_is_a_value_without_labels():
    """As `scalar(...)` gives it."""
    data = {"resultType": "scalar", "result": [3, "4"]}

    assert answering(good(data)).query("4") == (Point(labels={}, at=3.0, value=4.0),)


def test_values_over_time_are_asked_with_start_end_and_step():
    """In seconds."""
    seen: list[httpx.Request] = []
    data = {"resultType": "matrix", "result": [{"metric": {}, "values": [[1, "2"], [3, "NaN"]]}]}

    (series,) = answering(good(data), seen=seen).query_range("up", start=1, end=3, step_seconds=2)

    assert isinstance(series, Series)
    assert series.points[0] == (1.0, 2.0)
    assert math.isnan(series.points[1][1])
    assert dict(seen[0].url.params) == {"query": "up", "start": "1", "end": "3", "step": "2"}


def test_alerts_come_with_state_labels_and_texts():
    """Pending ones too."""
    alert = {
        "labels": {"alertname": "A"},
        "annotations": {"summary": "S."},
        "state": "pending",
        "value": "1e+00",
    }

    assert answering(good({"alerts": [alert]})).alerts() == (
        ActiveAlert(
            name="A", state="pending", labels={"alertname": "A"}, annotations={"summary": "S."}, value=1.0
        ),
    )


@pytest.mark.parametrize("kind", ["matrix", "string"])
def test_an_expression_that_gives_no_value_for_each_series_is_refused(kind):
    """`up[5m]` is a question for another verb."""
    with pytest.raises(UsageError, match=f"gives a {kind}") as refused:
        answering(good({"resultType": kind, "result": []})).query("up[5m]")
    assert refused.value.code == "PRM002"


def test_a_refusal_is_told_in_the_servers_words():
    """With HTTP 400 it says what does not parse."""
    body = {"status": "error", "errorType": "bad_data", "error": "1:3: parse error"}

    with pytest.raises(UsageError) as refused:
        answering(body, status=400).query("a b")
    assert (refused.value.code, refused.value.why) == ("PRM002", "1:3: parse error")


@pytest.mark.parametrize(
    "body",
    [
        "<html>Bad gateway</html>",
        "",
        good({}),
        good([]),
        good(None),
        good({"resultType": "vector", "result": [{}]}),
    ],
)
def test_an_answer_that_is_not_prometheus_own_is_no_answer(body):
    """A proxy's page, or something else at that port."""
    with pytest.raises(NotReadyError) as refused:
        answering(body).query("up")
    assert refused.value.code == "PRM001"


@pytest.mark.parametrize("body", [[], "3", {"status": "error"}, {}])
def test_json_of_somebody_else_is_an_error_of_ours(body):
    """Never a traceback."""
    with pytest.raises((NotReadyError, UsageError)):
        answering(body, status=404).alerts()


@pytest.mark.parametrize("error", [httpx.ConnectError("refused"), httpx.ReadTimeout("slow")])
def test_silence_is_told_with_the_address_and_the_next_step(error):
    """Refused and too slow alike."""

    def fail(_request):
        raise error

    with pytest.raises(NotReadyError) as refused:
        Prometheus(URL, transport=httpx.MockTransport(fail)).alerts()
    assert URL in refused.value.message
    assert "opsctl stack up --watch" in (refused.value.fix or "")


@pytest.fixture(scope="module")
def real_prometheus(tmp_path_factory):
    """Start the real Prometheus with one rule that always fires, and end it by its pid."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("needs Debian's prometheus")
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "rules.yml").write_text(
        "groups:\n- name: g\n  interval: 1s\n  rules:\n"
        "  - {alert: Always, expr: vector(1), labels: {severity: none}, annotations: {summary: Fires.}}\n"
        "  - {alert: Soon, expr: vector(2), for: 1h}\n"
    )
    (folder / "prometheus.yml").write_text("rule_files: [rules.yml]\n")
    port = free_port()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                program,
                f"--config.file={folder}/prometheus.yml",
                f"--storage.tsdb.path={folder}/data",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
        try:
            yield Prometheus(f"http://127.0.0.1:{port}", timeout_seconds=5)
        finally:
            process.terminate()
            process.wait(timeout=30)


def eventually(ask, *, seconds=20.0):
    """Return the first answer that is not empty."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            found = ask()
        except NotReadyError:
            found = ()
        if found or time.monotonic() > deadline:
            return found
        time.sleep(0.1)


def test_the_real_prometheus_answers_as_the_fakes_do(real_prometheus):
    """Alerts, values, series, refusals and the version."""
    alerts = eventually(real_prometheus.alerts)
    now = time.time()

    assert {(alert.name, alert.state, alert.value) for alert in alerts} == {
        ("Always", "firing", 1.0),
        ("Soon", "pending", 2.0),
    }
    (point,) = real_prometheus.query("vector(1) / 0")
    assert math.isinf(point.value)
    assert abs(point.at - now) < 60
    (series,) = real_prometheus.query_range("vector(7)", start=now - 10, end=now, step_seconds=5)
    assert [value for _, value in series.points] == [7.0, 7.0, 7.0]
    assert real_prometheus.version()[0].isdigit()
    with pytest.raises(UsageError, match="refuses"):
        real_prometheus.query("a b")
    with pytest.raises(UsageError, match="gives a matrix"):
        real_prometheus.query("up[5m]")


class Endless(httpx.SyncByteStream):
    """A body that goes on and on."""

    def __init__(self, piece: bytes, *, pause_seconds: float) -> None:
        self._piece, self._pause_seconds = piece, pause_seconds

    def __iter__(self) -> Iterator[bytes]:
        """Give the same piece again."""
        while True:
            time.sleep(self._pause_seconds)
            yield self._piece


@pytest.mark.parametrize(
    ("piece", "pause_seconds", "why"),
    [(b"x" * (2**26 + 1), 0.0, "larger than 67,108,864 bytes"), (b"x", 0.05, "does not come to an end")],
)
def test_an_answer_without_an_end_is_left(piece: bytes, pause_seconds: float, why: str) -> None:
    """Neither the memory nor the patience of who asks is without one; each piece comes in time."""
    stream = Endless(piece, pause_seconds=pause_seconds)
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, stream=stream))
    server = Prometheus("http://127.0.0.1:9090", timeout_seconds=0.1, transport=transport)

    with pytest.raises(NotReadyError) as caught:
        server.version()

    assert caught.value.code == "PRM001"
    assert why in str(caught.value.why)
