"""What line does each request leave: one JSON object with everything that is known of it, and no user's id.

Names are those of OpenTelemetry's semantic conventions, where it has one; `body` says the event once more, for whoever
reads lines as OpenTelemetry does. Event `feed_generated` is a feed that was built; `request` is everything else. Which
requests leave a line:
- every one with status 5xx, every feed that was built, every write, every miss; a feed that was built in the
  background says so (`x_cache` is `STALE refresh`) and has a request id of its own, because no request waited for it;
- hits of L1 (`HIT-L1`, `STALE`) and answered polls of health, readiness and metrics: `hit_share` of them, and
  the line holds `share` so that counts can be scaled up; of `HIT-L1` the edge draws the share itself, before it
  gathers what a line says, so those that come here are written;
- refusals (4xx): ten a second of each status, and the next line tells how many were left out before it.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog

from opsctl.metrics import service as metrics
from opsctl.service.telemetry.facts import FeedFacts, RequestFacts, feed_of
from opsctl.service.telemetry.meters import Meters
from opsctl.service.telemetry.resource import resource
from opsctl.service.telemetry.salt import hash_user
from opsctl.service.telemetry.sinks import LONGEST_LINE_BYTES, Sink
from opsctl.service.telemetry.trace import Trace

_LONGEST_VALUE_CHARACTERS = 128
_REFUSALS_A_SECOND = 10.0
_POLLED_ROUTES = frozenset({"health", "ready", "metrics"})
_DRAWN_BY_EDGE = "HIT-L1"
_SERVED_BY_L1 = frozenset({_DRAWN_BY_EDGE, "STALE"})
# What was found in the cache, also where what was found is "there is no such thing".
_HITS = frozenset({"hit", "stale", "negative"})
_DETAILS = frozenset({"lookups", "stages_seconds", "agents"})
_INFO = 20


@dataclass(slots=True, kw_only=True)
class _Allowance:
    """Ten lines at once and ten more each second."""

    lines: float = _REFUSALS_A_SECOND
    at: float
    left_out: int = 0


def severity_of(status: int) -> str:
    """Return how bad an answer is, in OpenTelemetry's words: what the service failed at is an error.

    >>> [severity_of(status) for status in (200, 404, 503)]
    ['INFO', 'INFO', 'ERROR']
    """
    return "ERROR" if status >= 500 else "INFO"


class RequestLog:
    """Call it with the facts of each answered request; it never raises and never holds a request up.

    Args:
        sink: takes the lines.
        hit_share: part of the old answers and polls that leave a line; it is told in the lines of hits too.
        salt: of this installation, see `installation_salt`.
        meters: lines that could not be written are counted.
        source: decides which of them do.
        noted: hears of every request that comes here, whether or not it leaves a line.
        now: seconds since 1970.
    """

    def __init__(  # noqa: PLR0913 - what it is made of
        self,
        sink: Sink,
        *,
        hit_share: float,
        salt: bytes,
        meters: Meters,
        source: random.Random | None = None,
        noted: Callable[[RequestFacts], None] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._sink = sink
        self._hit_share = hit_share
        self._salt = salt
        self._meters = meters
        self._random = (source or random.Random()).random  # noqa: S311 - sampling, no secret
        self._now = now
        self._noted = noted
        self._allowances: dict[int, _Allowance] = {}
        self._resource = resource()
        self._logger = structlog.wrap_logger(
            sink,
            processors=[_render],
            wrapper_class=structlog.make_filtering_bound_logger(_INFO),
            cache_logger_on_first_use=True,
        ).bind()

    def __call__(self, facts: RequestFacts) -> None:
        """Write the line of a request, if it leaves one."""
        if self._noted is not None:
            self._noted(facts)
        feed = feed_of(facts.trace)
        if feed is not None:
            self._write("feed_generated", self._common(facts) | _feed_fields(feed))
        elif 400 <= facts.status < 500:
            self._refusal(facts)
        elif facts.status >= 500 or not _is_routine(facts):
            self._write("request", self._common(facts))
        elif facts.cache == _DRAWN_BY_EDGE or self._random() < self._hit_share:
            self._write("request", self._common(facts) | {"share": self._hit_share})

    def close(self) -> None:
        """Let go of the file."""
        self._sink.close()

    def _write(self, event: str, fields: dict[str, Any]) -> None:
        if not self._logger.info(event, **fields):
            self._meters.count(metrics.LOG_DROPPED)
            return
        self._meters.count(metrics.LOG_LINES, fields["severity"].lower(), event)

    def _refusal(self, facts: RequestFacts) -> None:
        allowance = self._allowance(facts.status)
        if allowance.lines < 1:
            allowance.left_out += 1
            return
        allowance.lines -= 1
        left_out, allowance.left_out = allowance.left_out, 0
        self._write("request", self._common(facts) | ({"left_out": left_out} if left_out else {}))

    def _allowance(self, status: int) -> _Allowance:
        now = self._now()
        found = self._allowances.setdefault(status, _Allowance(at=now))
        found.lines = min(_REFUSALS_A_SECOND, found.lines + max(0.0, now - found.at) * _REFUSALS_A_SECOND)
        found.at = now
        return found

    def _common(self, facts: RequestFacts) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "timestamp": datetime.fromtimestamp(self._now(), UTC).isoformat(timespec="milliseconds"),
            "severity": severity_of(facts.status),
            **self._resource,
            "request_id": _plain(facts.request_id),
            "http.route": _plain(facts.route),
            "http.request.method": _plain(facts.method),
            "http.response.status_code": facts.status,
            "duration_seconds": round(facts.duration_seconds, 6),
            "http.response.body.size": facts.bytes_sent,
        }
        if facts.trace_id:
            fields["trace_id"] = _plain(facts.trace_id)
        if facts.span_id:
            fields["span_id"] = _plain(facts.span_id)
        if facts.cache:
            fields["x_cache"] = _plain(facts.cache)
        if facts.key_prefix is not None:
            fields["key"] = _plain(facts.key_prefix)
        if facts.user_id is not None:
            fields["user"] = hash_user(facts.user_id, salt=self._salt)
        if facts.refused is not None:
            fields["refused"] = _plain(facts.refused)
        return fields if facts.trace is None else fields | _trace_fields(facts.trace)


def _is_routine(facts: RequestFacts) -> bool:
    return facts.cache in _SERVED_BY_L1 or facts.route in _POLLED_ROUTES


def _trace_fields(trace: Trace) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if trace.cache:
        hits = sum(count for key, count in trace.cache.items() if key.rpartition(".")[2] in _HITS)
        fields["cache_hits"] = hits
        fields["cache_misses"] = sum(trace.cache.values()) - hits
        fields["lookups"] = trace.cache
    stages: dict[str, float] = {}
    for stage in trace.stages:
        if stage.ended_seconds is not None:
            seconds = stage.ended_seconds - stage.began_seconds
            stages[stage.name] = round(stages.get(stage.name, 0.0) + seconds, 6)
    return fields | ({"stages_seconds": stages} if stages else {})


def _feed_fields(feed: FeedFacts) -> dict[str, Any]:
    return {
        "feed_id": _plain(feed.feed_id),
        "size": feed.size,
        "tier": feed.tier,
        **({"reason": feed.reason} if feed.reason else {}),
        "segment": feed.segment,
        "arm": feed.arm,
        "exploration_share": round(feed.exploration_share, 4),
        "agents": {
            name: {
                "mean_score": round(agent.mean_score, 4),
                "duration_seconds": round(agent.duration_seconds, 6),
            }
            for name, agent in feed.agents.items()
        },
        "is_simulated": feed.is_simulated,
    }


def _plain(text: str) -> str:
    """Cut a value that a client may have chosen, and spell out what is not printable.

    JSON escapes line ends, but not C1 controls, which terminals obey, nor U+2028, at which some readers of lines
    break; lone surrogates have no UTF-8 at all.
    """
    cut = text[:_LONGEST_VALUE_CHARACTERS]
    if cut.isprintable():
        return cut
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)


def _render(_logger: Any, _method: str, fields: Any) -> bytes:
    """Return the line, the event first; one too long for a pipe goes without its details."""
    event = fields.pop("event")
    whole = {"event": event, **fields, "body": event}
    line = orjson.dumps(whole, default=str)
    if len(line) < LONGEST_LINE_BYTES:
        return line
    short = {name: value for name, value in whole.items() if name not in _DETAILS}
    return orjson.dumps(short | {"cut": True}, default=str)
