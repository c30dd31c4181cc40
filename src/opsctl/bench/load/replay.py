"""What was asked, and when: a recorded log of requests as a source, with arrival times of its own."""

import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zlib import crc32

from opsctl.bench.load.book import Endpoint, Method
from opsctl.bench.load.plan import RecordedArrivals
from opsctl.bench.load.ports import LoadJob, PlannedRequest
from opsctl.bench.load.requests import MixSource, template_of
from opsctl.clients.files import read_text
from opsctl.core.errors import UsageError
from opsctl.core.findings import Finding, Location, Severity

_MOST_FINDINGS = 20
_LONGEST_SECONDS = 7 * 24 * 3600.0
_COMMON = re.compile(
    r'\S+ \S+ \S+ \[(?P<at>[^\]]+)\] "(?P<method>[A-Z]+) (?P<path>\S+)(?: HTTP/[\d.]+)?" \d{3} (?:\d+|-).*'
)
_METHODS: tuple[Method, ...] = ("GET", "POST", "PUT", "DELETE", "HEAD")
_PROBES = frozenset({"health", "ready", "metrics"})
_OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
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


class ReplaySource:
    """The requests of a log, in the order of their times.

    Lines are objects `{"at_seconds": 0.25, "method": "GET", "path": "/v1/feed/7", "body": ...}`, lines of the service's
    own log, or lines in the Common Log Format. A request belongs to the endpoint of the mix whose method and path it
    has, else to `other`. The service's log names routes, not paths, and users by a hash: such a line is sent as the
    endpoint of that name, for a user of the book that the hash stands for. Record it with `logs.hit_share: 1`, or the
    hits that it leaves out are missing here too. Lines of the Common Log Format are spread over their second.

    Raises:
        UsageError: BEN031 with one finding for each bad line (the first twenty).
    """

    def __init__(self, job: LoadJob) -> None:
        if job.replay is None:
            raise ValueError("the job names no log")
        self._mix = MixSource(job)
        self._job = job
        self._names = (*job.book.mix, _OTHER)
        path = job.replay if job.replay.is_absolute() else job.folder / job.replay
        lines = _spread(sorted(_read(path, is_route=self._is_route), key=lambda line: line.at_seconds))
        first = lines[0].at_seconds
        times = [(line.at_seconds - first) / job.replay_speed for line in lines]
        if times[-1] > _LONGEST_SECONDS:
            raise UsageError(
                f"`{path}` spans more than seven days",
                code="BEN031",
                fix="replay a part of it, or faster: --speed 100x",
            )
        self._arrivals = RecordedArrivals(times)
        self._requests = self._encoded(lines)

    @property
    def arrivals(self) -> RecordedArrivals:
        """Return when the requests were recorded."""
        return self._arrivals

    @property
    def endpoints(self) -> Sequence[str]:
        """Return the names of the mix's endpoints, and `other`."""
        return self._names

    def batch(self, arrivals: Sequence[int]) -> Sequence[PlannedRequest]:
        """Return the requests of these arrivals."""
        return [self._requests[arrival] for arrival in arrivals]

    def _is_route(self, name: str) -> bool:
        return name in self._job.book.mix

    def _encoded(self, lines: Sequence[_Line]) -> list[PlannedRequest]:
        patterns = [(endpoint.method, _pattern(endpoint)) for endpoint in self._job.book.mix.values()]
        known: dict[tuple[str, str, str | None, str, str], PlannedRequest] = {}
        made: list[PlannedRequest] = []
        for line in lines:
            key = (line.method, line.path, line.body, line.route, line.user)
            if key not in known:
                known[key] = self._planned(line, patterns)
            made.append(known[key])
        return made

    def _planned(self, line: _Line, patterns: "Sequence[tuple[str, re.Pattern[str]]]") -> PlannedRequest:
        if line.route:
            number = self._names.index(line.route)
            return number, self._mix.request_of(
                number, user=_user_of(line.user, count=self._job.book.users.count)
            )
        plain = line.path.partition("?")[0]
        for number, (method, pattern) in enumerate(patterns):
            if method == line.method and pattern.fullmatch(plain):
                headers = self._job.book.mix[self._names[number]].headers
                return number, self._literal(line, headers)
        return len(patterns), self._literal(line, {"Content-Type": "application/json"} if line.body else {})

    def _literal(self, line: _Line, headers: dict[str, str]) -> bytes:
        """Return the request as it was recorded: braces in it are no placeholders."""
        endpoint = Endpoint.model_construct(
            share=1.0, method=line.method, path=_escaped(line.path), headers=headers, body=None
        )
        template = template_of(endpoint, job=self._job)
        if line.body is None:
            return template.filled({})
        return template.with_body(line.body)


def _read(path: Path, *, is_route: Callable[[str], bool]) -> list[_Line]:
    lines: list[_Line] = []
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


def _parsed(text: str, *, is_route: Callable[[str], bool]) -> _Line | None:
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
    return _Line(
        at_seconds=float(at),
        method=_method(body.get("method", "GET")),
        path=_path(body.get("path")),
        body=None if content is None else _whole(content),
    )


def _of_service_log(body: dict[str, Any], *, is_route: Callable[[str], bool]) -> _Line | None:
    route = body.get("http.route", body.get("route"))
    if isinstance(route, str) and route in _PROBES:
        return None
    if not isinstance(route, str) or not is_route(route):
        raise ValueError(f"the mix of the book has no endpoint `{route}`, whose requests this line records")
    # `at` and `route` are the names of earlier releases.
    at = datetime.fromisoformat(str(body.get("timestamp", body.get("at")))).timestamp()
    return _Line(at_seconds=at, route=route, user=_whole(str(body.get("user", ""))))


def _of_common_log(text: str) -> _Line:
    found = _COMMON.fullmatch(text.strip())
    if found is None:
        raise ValueError("neither a JSON object nor a line of the Common Log Format")
    at = datetime.strptime(found["at"], "%d/%b/%Y:%H:%M:%S %z").timestamp()
    return _Line(
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


def _spread(lines: list[_Line]) -> list[_Line]:
    """Spread lines without fractions evenly over their second: all at its beginning would be a load nobody sent."""
    from collections import Counter
    from dataclasses import replace

    whole = Counter(line.at_seconds for line in lines if line.is_whole_second)
    seen: Counter[float] = Counter()
    spread = []
    for line in lines:
        second = line.at_seconds
        at = second + seen[second] / whole[second] if line.is_whole_second else second
        seen[second] += line.is_whole_second
        spread.append(replace(line, at_seconds=at))
    return sorted(spread, key=lambda line: line.at_seconds)


def _pattern(endpoint: Endpoint) -> "re.Pattern[str]":
    parts = re.split(r"\{(?:user|content|key|now)\}", endpoint.path.partition("?")[0])
    return re.compile(r"[^/]+".join(map(re.escape, parts)))


def _escaped(path: str) -> str:
    return path.replace("{", "%7B").replace("}", "%7D")


def _user_of(name: str, *, count: int) -> int:
    """Return a user for a hash, always the same one; spread evenly over the users of the book."""
    return 1 + math.floor(crc32(name.encode()) / 2**32 * count)


def _bad_line(path: Path, number: int, line: str, title: str) -> Finding:
    return Finding(
        code="BEN031",
        severity=Severity.ERROR,
        title=title,
        location=Location(file=str(path), line=number, column=1, source=line[:200]),
    )
