"""What the service says beside its requests: lines that a machine reads, whoever speaks, and nothing that opens a door."""

import logging
import os
import pty
import subprocess
import sys
import time
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl import __version__
from opsctl.metrics import service as metrics
from opsctl.service.telemetry.meters import Meters
from opsctl.service.telemetry.process_log import CountingHandler, JsonLines, StderrHandler, TextLines
from opsctl.service.telemetry.redaction import redacted
from opsctl.service.telemetry.trace import Trace, tracing

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
EVERYBODY = """
import asyncio, logging, sys, threading, warnings
from granian.log import LogLevels, configure_logging as configure_server
from opsctl.service.telemetry.process_log import configuration, configure_logging

configure_server(LogLevels.info, configuration(is_terminal=False), True)
configure_logging()
logging.getLogger("_granian").info("Started worker-%d", 1)
logging.getLogger("opsctl.service.feed").warning("several\\nlines of user 42")
logging.getLogger("httpx").info("a line a request")
warnings.warn("an old way of doing things", DeprecationWarning)
logging.error("%d feeds", "many")


async def fail_unseen():
    asyncio.get_running_loop().create_task(fail()).add_done_callback(lambda task: None)
    await asyncio.sleep(0.01)


async def fail():
    raise KeyError("nobody waits for this")


asyncio.run(fail_unseen())
thread = threading.Thread(target=lambda: [].pop(), name="beside")
thread.start()
thread.join()
raise RuntimeError("the end")
"""
MANY = """
import logging, sys
from opsctl.service.telemetry.process_log import configure_logging

configure_logging()
log = logging.getLogger("opsctl.service")


def deep(levels):
    if not levels:
        raise ValueError("the cause")
    deep(levels - 1)


try:
    deep(200)
except ValueError:
    for number in range(200):
        log.exception("number %d %s", number, "x" * 5000 * (number % 2))
print("done", flush=True)
"""


def environment() -> dict[str, str]:
    """Return an environment in which the package is found."""
    return os.environ | {"PYTHONPATH": ":".join(sys.path)}


def formatted(message: str, *arguments: object, level: int = logging.INFO, **extra: object) -> dict[str, Any]:
    """Return the line of a message."""
    record = logging.getLogger("opsctl.service.test").makeRecord(
        "opsctl.service.test", level, __file__, 1, message, arguments, None, extra=extra
    )
    found: dict[str, Any] = orjson.loads(JsonLines().format(record))
    return found


def test_whoever_speaks_speaks_in_lines_of_json():
    """Server, own modules, warnings, a forgotten task, a thread, and what ends the process."""
    done = subprocess.run(
        [sys.executable, "-W", "default", "-c", EVERYBODY],
        env=environment(),
        capture_output=True,
        check=False,
        timeout=60,
    )

    lines = [orjson.loads(line) for line in done.stderr.splitlines()]
    assert done.returncode == 1
    assert done.stdout == b""
    assert [(line["logger"], line["severity"]) for line in lines] == [
        ("_granian", "INFO"),
        ("opsctl.service.feed", "WARN"),
        ("py.warnings", "WARN"),
        ("root", "ERROR"),
        ("asyncio", "ERROR"),
        ("opsctl.service", "FATAL"),
        ("opsctl.service", "FATAL"),
    ]
    assert lines[1]["body"] == "several\nlines of user ***"
    assert lines[3]["body"] == "%d feeds ('many',)"
    assert [line.get("exception.type") for line in lines[4:]] == ["KeyError", "IndexError", "RuntimeError"]
    assert all(
        {"event", "timestamp", "severity", "body", "service.name", "service.version"} <= line.keys()
        for line in lines
    )


def test_on_a_terminal_a_person_reads_it():
    """Text instead of JSON, as redacted as ever."""
    ours, theirs = pty.openpty()
    code = (
        "import logging; from opsctl.service.telemetry.process_log import configure_logging; configure_logging();"
        "logging.getLogger('opsctl.service').error('postgresql://me:sunshine@host is gone')"
    )
    subprocess.run([sys.executable, "-c", code], env=environment(), stderr=theirs, check=True, timeout=60)
    os.close(theirs)

    assert os.read(ours, 4096) == b"ERROR opsctl.service: postgresql://me:***@host is gone\r\n"
    os.close(ours)


def test_a_pipe_that_nobody_reads_holds_nobody_up():
    """Lines are lost, time is not; what arrived is whole, and of a long stack trace the end is there."""
    reading, writing = os.pipe()
    done = subprocess.run(
        [sys.executable, "-c", MANY],
        env=environment(),
        stderr=writing,
        stdout=subprocess.PIPE,
        check=True,
        timeout=60,
    )
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        raw = pipe.read()

    assert done.stdout == b"done\n"
    lines = [orjson.loads(line) for line in raw.splitlines()]
    assert 5 < len(lines) < 200
    assert all(line["exception.stacktrace"].endswith("ValueError: the cause") for line in lines)
    assert all(len(line) <= 4096 for line in raw.splitlines(keepends=True))


def test_a_message_knows_its_request():
    """From the trace that is going on, or because it says so itself."""
    with tracing(Trace(request_id="req-1", traceparent=TRACEPARENT)):
        inside = formatted("inside")
        named = formatted("named", request_id="req-2")
    outside = formatted("outside")

    assert (inside["request_id"], inside["trace_id"], inside["span_id"]) == (
        "req-1",
        "0af7651916cd43dd8448eb211c80319c",
        "b7ad6b7169203331",
    )
    assert (named["request_id"], named["trace_id"]) == ("req-2", inside["trace_id"])
    assert not {"request_id", "trace_id", "span_id"} & outside.keys()


def test_a_line_has_the_names_of_opentelemetry():
    """The message is the body; its event is the one under which it is counted."""
    line = formatted("%d feeds", 3, level=logging.WARNING)

    line.pop("timestamp")
    assert line == {
        "event": "message",
        "severity": "WARN",
        "body": "3 feeds",
        "service.name": "ranking",
        "service.version": __version__,
        "logger": "opsctl.service.test",
        "process.pid": os.getpid(),
    }
    assert line["event"] in metrics.LOG_EVENTS


def test_messages_are_counted_by_level():
    """Each level of the library is one of the declared ones, also those that somebody makes up."""
    meters = Meters()
    logger = logging.Logger("apart")  # noqa: LOG001 - one that nobody else hears
    logger.addHandler(CountingHandler(meters))
    for level in (logging.DEBUG, logging.INFO, 25, logging.WARNING, logging.ERROR, logging.CRITICAL):
        logger.log(level, "said")

    counted = {
        level: meters.registry.get_sample_value(
            "ranking_log_lines_total", {"level": level, "event": "message"}
        )
        for level in metrics.LEVELS
    }
    assert counted == {"debug": 1, "info": 2, "warning": 1, "error": 2}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Authorization: Bearer abc.def-ghi", "Authorization: Bearer ***"),
        ("authorization: Basic dXNlcjpwdw==", "authorization: Basic ***"),
        ("the key opk_abcd1234_0123456789abcdef is wrong", "the key opk_abcd1234_*** is wrong"),
        ("postgresql://me:p@ss/w:rd@host:5432/db", "postgresql://me:***@host:5432/db"),
        ("redis://:sunshine@cache/0", "redis://:***@cache/0"),
        ("https://0123abc@sentry.example/7", "https://***@sentry.example/7"),
        ("connection: user=me password='sun shine' host=db", "connection: user=me password=*** host=db"),
        ('{"password": "sun shine", "a": 1}', '{"password": ***, "a": 1}'),
        ("api-key=k1&limit=5", "api-key=***&limit=5"),
        ("OPSCTL_REDIS_PASSWORD=sunshine", "OPSCTL_REDIS_PASSWORD=***"),
        ("jwt eyJhbGci.eyJzdWIi.c2ln here", "jwt *** here"),
        ("GET /v1/feed/42?limit=5", "GET /v1/feed/***?limit=5"),
        (
            "Key (user_id, content_id)=(42, 7) already exists.",
            "Key (user_id, content_id)=(***) already exists.",
        ),
        ("DETAIL: Failing row contains (42, 7, save).", "DETAIL: Failing row contains (***)."),
        ("user_id=42, content_id=7", "user_id=***, content_id=7"),
        ("users [1, 2, 3] are gone", "users [***] are gone"),
        ('{"user_id":42}', '{"user_id":***}'),
        ("told jane.doe+x@mail.example.org, twice", "told ***, twice"),
        ("Authorization: Token abc123", "Authorization: ***"),
        ("Cookie: a=b; session=sunshine\nHost: x", "Cookie: ***\nHost: x"),
        (r'{"password": "sun\"shine", "a": 1}', '{"password": ***, "a": 1}'),
        ("password=b'sunshine'", "password=***"),
        ("api_key=SecretStr('sunshine')", "api_key=***)"),
        ("(b'cookie', b'sunshine')", "(b'cookie', ***)"),
        ("where user_id IN (1, 2)", "where user_id IN (***)"),
        ("users: {1, 2}", "users: {***}"),
        ("userId: 77, user_id=UserId(77)", "userId: ***, user_id=UserId(***)"),
        ('password="sun', "password=***"),
    ],
)
def test_what_opens_a_door_or_names_a_user_is_in_no_line(text, expected):
    """In messages and stack traces alike."""
    assert redacted(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "`http://127.0.0.1:6333` does not answer",
        "COL001: cannot search `content`: no answer within 2 s",
        "the use of 3 keys could not be reported",
        "1000 tokens: 500 in, 500 out",
        "Listening at: http://127.0.0.1:8000",
    ],
)
def test_what_is_no_secret_stays(text):
    """A log that hides too much is none."""
    assert redacted(text) == text


@pytest.mark.parametrize(
    "part",
    [
        "x",
        "eyJ-",
        "user ",
        "password",
        "://a:",
        "a@",
        '"',
        "\n",
        "1,",
        "b.c@d.",
        "cookie:",
        "token='",
        "a(",
        "\\",
    ],
)
def test_a_text_of_four_times_the_length_takes_about_four_times_as_long(part):
    """Made of what the patterns look for; it would be 16 times where one looks back from everywhere."""
    short, long = (part * 8_000)[:8_000], (part * 32_000)[:32_000]

    assert _seconds_for(long) < 10 * max(_seconds_for(short), 0.002)


def _seconds_for(text: str) -> float:
    """Return the CPU time of the fastest of three goes."""

    def go() -> float:
        began = time.process_time()
        redacted(text)
        return time.process_time() - began

    return min(go() for _ in range(3))


def test_a_long_message_is_cut_between_words():
    """The half of a secret behind the cut could not be known as one."""
    body = formatted("%s postgresql://me:sunshine@host/db", "x" * 15_975)["body"]

    assert body == f"{'x' * 15_975} ..."


def test_a_long_text_for_a_terminal_keeps_both_ends():
    """What happened stands at the beginning, and why at the end."""
    reading, writing = os.pipe()
    handler = StderrHandler(writing)
    handler.setFormatter(TextLines("%(message)s"))

    handler.emit(
        logging.LogRecord("any", logging.ERROR, __file__, 1, "began\n%s\nended", ("ß" * 9_000,), None)
    )

    told = os.read(reading, 100_000).decode()
    os.close(reading)
    os.close(writing)
    assert told.startswith("began\n")
    assert told.endswith("\nended\n")
    assert "\n...\n" in told
    assert len(told.encode()) <= 4096


def test_a_long_stack_trace_keeps_its_end():
    """In whole lines, so that no secret loses the word by which it is known."""
    record = logging.LogRecord("any", logging.ERROR, __file__, 1, "failed", (), _raised_with_a_long_text())

    trace = orjson.loads(JsonLines().format(record))["exception.stacktrace"]

    assert "sunshine" not in trace
    assert trace.startswith("...\npassword=***\n")
    assert trace.endswith("\nthe cause")
    assert len(trace) < 16_100


def _raised_with_a_long_text() -> Any:
    error = RuntimeError("password=sunshine\n" * 2_000 + "the cause")
    return type(error), error, None


@given(st.text(st.characters(), max_size=200))
def test_any_message_becomes_one_line(text):
    """Line ends, quotes, lone surrogates: one object, no exception."""
    line = JsonLines().format(logging.LogRecord("any", logging.INFO, __file__, 1, text, (), None))

    assert "\n" not in line
    assert orjson.loads(line)["event"] == "message"
