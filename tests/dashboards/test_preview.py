"""The preview in a real browser, fed by a small Prometheus that knows no secrets and says no HTML."""

import shutil
import threading
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, sync_playwright
from tests.dashboards.boards import boards

from opsctl.clients.prometheus import Prometheus
from opsctl.core.errors import UsageError
from opsctl.dashboards.preview import Asked, Preview
from opsctl.dashboards.preview_server import make_preview_server

EVIL = "<img src=x onerror=document.title='broken-in'>"
LIFTS = {"lift": "0.031", "low": "-0.004", "high": "0.066"}


def prometheus(request: httpx.Request) -> httpx.Response:
    """Answer as Prometheus does, with a label that would like to be HTML."""
    path, asked = request.url.path, dict(httpx.QueryParams(request.url.query))
    if request.method == "POST":
        asked |= dict(httpx.QueryParams(request.content))
    data: object
    if path.endswith("/alerts"):
        texts = {"summary": EVIL}
        labels = {"alertname": EVIL, "severity": "critical"}
        data = {
            "alerts": [
                {
                    "labels": labels,
                    "annotations": texts,
                    "state": "firing",
                    "activeAt": "2026-11-27T12:00:00Z",
                    "value": "1",
                }
            ]
        }
    elif path.endswith("/query_range"):
        start, step = float(asked["start"]), float(asked["step"])
        points = [[start + index * step, str(index % 7)] for index in range(40)]
        data = {"resultType": "matrix", "result": [{"metric": {"route": EVIL}, "values": points}]}
    elif "experiment_lift_ratio" in asked.get("query", ""):
        labels = {"experiment": EVIL, "metric": "engaged", "arm": "changed"}
        found = [{"metric": labels | {"figure": name}, "value": [1.0, lift]} for name, lift in LIFTS.items()]
        data = {"resultType": "vector", "result": found}
    elif "experiment_sample_ratio_p_ratio" in asked.get("query", ""):
        data = {
            "resultType": "vector",
            "result": [{"metric": {"experiment": EVIL}, "value": [1.0, "0.00042"]}],
        }
    else:
        metric = {"__name__": "up", "job": "service", "instance": EVIL, "route": EVIL}
        data = {"resultType": "vector", "result": [{"metric": metric, "value": [1.0, "1"]}]}
    return httpx.Response(200, json={"status": "success", "data": data})


@pytest.fixture
def address() -> Iterator[str]:
    """Run the preview on a free port."""
    asked = Prometheus("http://prometheus.test", transport=httpx.MockTransport(prometheus))
    runbooks = {"high_error_rate": "# High error rate\n\n" + EVIL}
    server = make_preview_server(Preview(boards(), prometheus=asked, runbooks=runbooks), port=0)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Run Debian's Chromium."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield started
        started.close()


@pytest.mark.slow
def test_panels_are_drawn_without_a_word_in_the_console(address: str, browser: Browser):
    """Curves on a canvas, and labels as text, whatever they say."""
    page = browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))

    page.goto(address)
    page.wait_for_selector("canvas", timeout=20_000)
    page.wait_for_timeout(500)

    assert page.title() != "broken-in"
    assert page.query_selector("img") is None
    assert said == []
    page.close()


@pytest.mark.slow
def test_a_lift_stands_between_the_ends_of_its_interval(address: str, browser: Browser):
    """In one line; and a probability that raises an alert is not rounded to 0, and is coloured."""
    page = browser.new_page(viewport={"width": 1280, "height": 2400})

    page.goto(f"{address}/#experiments/lifts")
    page.wait_for_selector("#panel-lifts table", timeout=20_000)
    cells = page.locator("#panel-lifts tr").all_inner_texts()
    p_value = page.locator("#panel-sample_ratio .big")

    assert [line.strip().split("\t") for line in cells] == [
        ["low", "lift", "high"],
        [f"{EVIL} engaged changed", "-0.4 %", "3.1 %", "6.6 %"],
    ]
    assert p_value.inner_text() == "0.00042"
    assert "color" in (p_value.get_attribute("style") or "")
    assert page.title() != "broken-in"
    page.close()


def test_every_dashboard_is_there(address: str):
    """With its panels."""
    found = httpx.get(f"{address}/api/boards").json()["boards"]

    assert {each["name"] for each in found} >= {
        "system",
        "ai",
        "business",
        "slo",
        "experiments",
        "drills",
        "alerts",
    }


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example:1", ""])
def test_another_name_for_this_machine_is_refused(address: str, host: str):
    """A page elsewhere may point its own name at loopback."""
    assert httpx.get(f"{address}/api/boards", headers={"Host": host}).status_code in (400, 403)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/panel?board=nobody&panel=x", 400),
        ("/api/panel?board=system&panel=../../etc/passwd", 400),
        ("/api/runbook?rule=../../../etc/passwd", 400),
        ("/static/../../preview.py", 400),
        ("/api/nothing", 400),
    ],
)
def test_what_is_not_offered_is_refused(address: str, path: str, status: int):
    """Nothing but what the page needs is served."""
    assert httpx.get(address + path).status_code == status


@pytest.mark.parametrize(
    "asked", [{"range": "nan"}, {"range": "-5"}, {"range": "1e99"}, {"job": '"} or vector(1) or up{x="'}]
)
def test_a_question_beyond_the_choices_is_refused(asked: dict[str, str]):
    """PromQL is ours; a page only chooses."""
    with pytest.raises(UsageError):
        Asked.of({"range": "900", "job": "service", "instance": ".*"} | asked)
