"""What reaches Sentry: errors with the ids of their request, nothing secret, and never at a request's expense."""

import subprocess
import sys
import time

import pytest
from tests.service.telemetry.ingest import ingest

from opsctl import __version__
from opsctl.config.settings import SECRET_VARIABLES
from opsctl.service.telemetry.sentry import DSN_VARIABLE

SECRETS = ("sunshine", "s3cr3tpart", "987654321", "eyJhbGciOi", "hunter2")
TRACE = "0af7651916cd43dd8448eb211c80319c"
SERVICE = f"""
import logging, sys, threading
from opsctl.service.telemetry.process_log import configure_logging
from opsctl.service.telemetry.sentry import start_sentry
from opsctl.service.telemetry.trace import Trace, tracing

configure_logging()
assert start_sentry()
log = logging.getLogger("opsctl.service.test")
password = "hunter2 in a variable"
log.info("nothing of importance")
log.warning("nor this: postgresql://me:sunshine@host/db")
trace = Trace(request_id="req-1", traceparent="00-{TRACE}-b7ad6b7169203331-01")
with tracing(trace):
    log.error("user_id=%s used opk_abcd1234_s3cr3tpart for %s", 987654321, "/v1/feed/987654321")
    try:
        raise RuntimeError("cannot connect to postgresql://me:sunshine@host/db, Bearer eyJhbGciOi.eyJz.sig")
    except RuntimeError:
        log.exception("a request failed")
thread = threading.Thread(target=lambda: 1 / 0)
thread.start()
thread.join()
raise ValueError("the last word, password=hunter2")
"""
HANGING = """
import logging, time
from opsctl.service.telemetry.process_log import configure_logging
from opsctl.service.telemetry.sentry import start_sentry

configure_logging()
start_sentry()
log = logging.getLogger("opsctl.service.test")
log.error("the first one takes a thread")
began = time.perf_counter()
for number in range(300):
    log.error("error %d", number)
print(time.perf_counter() - began)
"""


def run(code: str, *, dsn: str) -> "subprocess.CompletedProcess[str]":
    """Run a program in a process of its own, because the client of Sentry changes logging for good."""
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path), DSN_VARIABLE: dsn}
    return subprocess.run(
        [sys.executable, "-c", code],
        env=environment | {"OPSCTL_ENVIRONMENT": "staging"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_errors_arrive_with_their_ids_and_without_secrets():
    """Two of a request, one of a thread, one that ended the process; warnings stay in the log."""
    with ingest() as taken:
        done = run(SERVICE, dsn=taken.dsn)

    assert done.returncode == 1
    events = taken.events
    said = [
        event["logentry"].get("formatted", event["logentry"]["message"]).partition(" used")[0]
        for event in events
    ]
    assert said == ["user_id=***", "a request failed", *(["an exception that nobody caught"] * 2)]
    ids = {"request_id": "req-1", "trace_id": TRACE, "span_id": "b7ad6b7169203331"}
    assert [event["tags"] for event in events] == [ids, ids, {}, {}]
    assert events[0]["contexts"]["trace"]["trace_id"] == TRACE
    kinds = [event["exception"]["values"][0]["type"] for event in events[1:]]
    assert kinds == ["RuntimeError", "ZeroDivisionError", "ValueError"]
    assert {(event["release"], event["environment"]) for event in events} == {
        (f"opsctl@{__version__}", "staging")
    }
    for secret in SECRETS:
        assert not [body for body in taken.bodies if secret.encode() in body]
        assert secret not in done.stderr


@pytest.mark.slow
def test_a_server_that_never_answers_holds_nobody_up():
    """Neither whoever logs, nor, for long, the end of the process."""
    with ingest(answers=False) as taken:
        began = time.monotonic()
        done = run(HANGING, dsn=taken.dsn)
        took = time.monotonic() - began

    assert done.returncode == 0
    assert float(done.stdout) < 3.0
    assert took < 20


def test_without_a_dsn_nothing_is_loaded():
    """Whoever does not ask for it pays nothing."""
    code = "import sys; from opsctl.service.telemetry.sentry import start_sentry; "

    done = run(f"{code}print(start_sentry(), 'sentry_sdk' in sys.modules)", dsn="")

    assert done.stdout == "False False\n"


@pytest.mark.parametrize(
    ("prelude", "dsn", "why"),
    [
        ("import sys; sys.modules['sentry_sdk'] = None", "http://key@127.0.0.1:9/1", "opsctl[sentry]"),
        ("", "nonsense", "is no DSN of Sentry"),
    ],
    ids=["no package", "no address"],
)
def test_what_is_wrong_is_told_at_the_start(prelude, dsn, why):
    """With the code that `opsctl explain` knows, and never with the key."""
    code = f"""{prelude}
from opsctl.core.errors import NotReadyError
from opsctl.service.telemetry.sentry import start_sentry
try:
    start_sentry()
except NotReadyError as error:
    print(error.code, error, error.why, error.fix)
"""
    done = run(code, dsn=dsn)

    assert done.stdout.startswith("SVC310")
    assert why in done.stdout
    assert "http://key@" not in done.stdout


def test_the_dsn_is_a_secret_of_the_environment():
    """So `opsctl config show` does not print it, and a project file cannot hold it."""
    assert DSN_VARIABLE in SECRET_VARIABLES
