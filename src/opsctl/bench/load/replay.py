"""When, and in which mix, are the requests of a recorded log sent again: a source with arrival times of its own?"""

import math
import re
from collections.abc import Sequence
from zlib import crc32

from opsctl.bench.load.book import Endpoint
from opsctl.bench.load.phases import LONGEST_SECONDS
from opsctl.bench.load.plan import RecordedArrivals
from opsctl.bench.load.ports import LoadJob, PlannedRequest
from opsctl.bench.load.replay_log import OTHER, Line, read_log
from opsctl.bench.load.requests import MixSource, template_of
from opsctl.core.errors import UsageError


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
        self._names = (*job.book.mix, OTHER)
        path = job.replay if job.replay.is_absolute() else job.folder / job.replay
        lines = _spread(sorted(read_log(path, is_route=self._is_route), key=lambda line: line.at_seconds))
        first = lines[0].at_seconds
        times = [(line.at_seconds - first) / job.replay_speed for line in lines]
        if times[-1] > LONGEST_SECONDS:
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

    def _encoded(self, lines: Sequence[Line]) -> list[PlannedRequest]:
        patterns = [(endpoint.method, _pattern(endpoint)) for endpoint in self._job.book.mix.values()]
        known: dict[tuple[str, str, str | None, str, str], PlannedRequest] = {}
        made: list[PlannedRequest] = []
        for line in lines:
            key = (line.method, line.path, line.body, line.route, line.user)
            if key not in known:
                known[key] = self._planned(line, patterns)
            made.append(known[key])
        return made

    def _planned(self, line: Line, patterns: "Sequence[tuple[str, re.Pattern[str]]]") -> PlannedRequest:
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

    def _literal(self, line: Line, headers: dict[str, str]) -> bytes:
        """Return the request as it was recorded: braces in it are no placeholders."""
        endpoint = Endpoint.model_construct(
            share=1.0, method=line.method, path=_escaped(line.path), headers=headers, body=None
        )
        template = template_of(endpoint, job=self._job)
        if line.body is None:
            return template.filled({})
        return template.with_body(line.body)


def _spread(lines: list[Line]) -> list[Line]:
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
