"""What does a recorded log of requests say, line by line: the service's own, or the common format of web servers?"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from opsctl.bench.load.book import Method
from opsctl.clients.files import read_text
from opsctl.core.errors import UsageError
from opsctl.core.findings import Finding, Location, Severity

_MOST_FINDINGS = 20
_COMMON = re.compile(
    r'\S+ \S+ \S+ \[(?P<at>[^\]]+)\] "(?P<method>[A-Z]+) (?P<path>\S+)(?: HTTP/[\d.]+)?" \d{3} (?:\d+|-).*'
)


_METHODS: tuple[Method, ...] = ("GET", "POST", "PUT", "DELETE", "HEAD")


_PROBES = frozenset({"health", "ready", "metrics"})
OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One recorded request; `at_seconds` counts from any moment.

    Args:
        route: the endpoint's name, where the log knows no paths.
        user: whose request it is, where the log knows that by a hash.
        is_whole_second: the log has no fractions.
    """

    at_seconds: float
    method: Method = "GET"
    path: str = ""
    body: str | None = None
    route: str = ""
    user: str = ""
    is_whole_second: bool = False


def read_log(path: Path, *, is_route: Callable[[str], bool]) -> list[Line]:
    """Return the requests of a log, in their order.

    Raises:
        UsageError: with each line that cannot be read, or the first of many.
    """
    lines: list[Line] = []
    findings: list[Finding] = []
    # Not `splitlines`: a body may hold U+2028 and its like, which JSON leaves as they are.
    for number, text in enumerate(read_text(path).split("\n"), start=1):
        if not text.strip():
            continue
        try:
            line = _parsed(text, is_route=is_route)
        except (ValueError, RecursionError) as error:
            findings.append(_bad_line(path, number, text, str(error)))
        else:
            lines += [line] if line is not None else []
    if not lines and not findings:
        findings.append(_bad_line(path, 1, "", "the log holds no request"))
    if findings:
        raise UsageError(
            f"`{path}` has {len(findings)} bad {'line' if len(findings) == 1 else 'lines'}",
            code="BEN031",
            findings=findings[:_MOST_FINDINGS],
            fix='every line is an object such as {"at_seconds": 0.25, "method": "GET", "path": "/v1/feed/7"}',
        )
    return lines


def _parsed(text: str, *, is_route: Callable[[str], bool]) -> Line | None:
    """Return what a line records; None for a probe of the service itself."""
    if not text.lstrip().startswith("{"):
        return _of_common_log(text)
    body: Any = json.loads(text, parse_constant=_refuse_constant)
    if "http.route" in body or ("route" in body and "at" in body):
        return _of_service_log(body, is_route=is_route)
    unknown = body.keys() - {"at_seconds", "method", "path", "body"}
    if unknown:
        raise ValueError(f"unknown key `{min(unknown)}`")
    at, content = body.get("at_seconds"), body.get("body")
    if isinstance(at, bool) or not isinstance(at, int | float) or not 0 <= at <= 1e12:
        raise ValueError("`at_seconds` must be a number from 0 on")
    if content is not None and not isinstance(content, str):
        content = json.dumps(content, separators=(",", ":"))
    return Line(
        at_seconds=float(at),
        method=_method(body.get("method", "GET")),
        path=_path(body.get("path")),
        body=None if content is None else _whole(content),
    )


def _of_service_log(body: dict[str, Any], *, is_route: Callable[[str], bool]) -> Line | None:
    route = body.get("http.route", body.get("route"))
    if isinstance(route, str) and route in _PROBES:
        return None
    if not isinstance(route, str) or not is_route(route):
        raise ValueError(f"the mix of the book has no endpoint `{route}`, whose requests this line records")
    # `at` and `route` are the names of earlier releases.
    at = datetime.fromisoformat(str(body.get("timestamp", body.get("at")))).timestamp()
    return Line(at_seconds=at, route=route, user=_whole(str(body.get("user", ""))))


def _of_common_log(text: str) -> Line:
    found = _COMMON.fullmatch(text.strip())
    if found is None:
        raise ValueError("neither a JSON object nor a line of the Common Log Format")
    at = datetime.strptime(found["at"], "%d/%b/%Y:%H:%M:%S %z").timestamp()
    return Line(
        at_seconds=at, method=_method(found["method"]), path=_path(found["path"]), is_whole_second=True
    )


def _method(value: object) -> Method:
    for method in _METHODS:
        if method == value:
            return method
    raise ValueError(f"`{value}` is not one of {', '.join(_METHODS)}")


def _path(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"/[^\s\x00-\x1f\x7f]{0,8000}", value):
        raise ValueError("`path` must begin with `/` and hold no blanks")
    return _whole(value)


def _whole(text: str) -> str:
    """Return a text when it can be sent: JSON may escape half of a character."""
    if re.search("[\ud800-\udfff]", text):
        raise ValueError("half of a character cannot be sent")
    return text


def _refuse_constant(name: str) -> float:
    raise ValueError(f"`{name}` is not a number of JSON")


def _bad_line(path: Path, number: int, line: str, title: str) -> Finding:
    return Finding(
        code="BEN031",
        severity=Severity.ERROR,
        title=title,
        location=Location(file=str(path), line=number, column=1, source=line[:200]),
    )
