"""Who writes while everything is destroyed: rows that are numbered, sent through the service as clients send theirs.

python -m opsctl.dr.drill.canary LOG --url URL --run NAME --per-second 20 --parent PID   (the API key stands in CANARY_KEY)

Two streams: items, which reach both stores, and interactions, which clients must not lose. What is sent and what is
acknowledged is on the disk before the next row begins.
"""

import argparse
import os
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.dr.drill.canary_log import CanaryLog, Said

if TYPE_CHECKING:
    import httpx

CONTENT, INTERACTIONS = "content", "interactions"
KEY_VARIABLE = "CANARY_KEY"
FIRST_ID = 4_000_000_000_000
"""Ids of the canary's items begin here, far from those that the database hands out."""
_TIMEOUT_SECONDS = 5.0
# Each sender has one row under way, so these many rows can be unknown when everything ends: sent, not acknowledged.
_SENDERS = 4

Send = Callable[["httpx.Client", int], bool]


def main(arguments: Sequence[str] | None = None) -> None:
    """Write until the parent is gone, or this process is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("log", type=Path)
    parser.add_argument("--url", required=True)
    parser.add_argument("--run", required=True)
    parser.add_argument("--per-second", type=float, default=20.0)
    parser.add_argument("--vendor", type=int, default=1)
    parser.add_argument("--parent", type=int, required=True)
    asked = parser.parse_args(arguments)
    with CanaryLog(asked.log) as log:
        streams = {
            CONTENT: _content(asked.vendor),
            INTERACTIONS: _interaction(asked.run),
        }
        _write(streams, log=log, url=asked.url, per_second=asked.per_second, parent=asked.parent)


def interaction_key(run: str, number: int) -> str:
    """Return the idempotency key of an interaction.

    >>> interaction_key("ab", 7)
    'canary-ab-7'
    """
    return f"canary-{run}-{number}"


def _write(streams: dict[str, Send], *, log: CanaryLog, url: str, per_second: float, parent: int) -> None:
    over, threads = threading.Event(), []
    for stream, send in streams.items():
        pace = _Pace(per_second)
        for _ in range(_SENDERS):
            sender = _Sender(stream, send, log=log, url=url, pace=pace, over=over)
            threads.append(threading.Thread(target=sender.run, daemon=True))
    for thread in threads:
        thread.start()
    while _is_there(parent):
        time.sleep(0.2)
    over.set()


class _Pace:
    """Gives out numbers, each at its time; a stream that was held up does not hurry afterwards."""

    def __init__(self, per_second: float) -> None:
        self._seconds = 1.0 / per_second
        self._lock = threading.Lock()
        self._next_at = time.monotonic()
        self._number = 0

    def take(self) -> int:
        """Wait for one's turn and return the next number, from 1."""
        with self._lock:
            self._number += 1
            number, at = self._number, max(self._next_at, time.monotonic())
            self._next_at = at + self._seconds
        time.sleep(max(0.0, at - time.monotonic()))
        return number


class _Sender:
    """One connection of a stream; a row that failed is not sent again, so it was not acknowledged."""

    def __init__(
        self,
        stream: str,
        send: Send,
        *,
        log: CanaryLog,
        url: str,
        pace: _Pace,
        over: threading.Event,
    ) -> None:
        self._stream = stream
        self._send = send
        self._log = log
        self._url = url
        self._pace = pace
        self._over = over

    def run(self) -> None:
        """Send until it is over."""
        import httpx

        headers = {"authorization": f"Bearer {os.environ[KEY_VARIABLE]}"}
        with httpx.Client(base_url=self._url, headers=headers, timeout=_TIMEOUT_SECONDS) as client:
            while not self._over.is_set():
                number = self._pace.take()
                self._say(Said.SENT, number)
                try:
                    is_kept = self._send(client, number)
                except (httpx.HTTPError, ValueError):  # nobody answers, or the answer is no JSON
                    is_kept = False
                if is_kept:
                    self._say(Said.ACKNOWLEDGED, number)

    def _say(self, what: Said, number: int) -> None:
        self._log.say(what, stream=self._stream, number=number, at=time.time())


def _content(vendor: int) -> Send:
    def send(client: "httpx.Client", number: int) -> bool:
        body = {
            "vendor_id": vendor,
            "title": f"canary {number}",
            "region": "canary",
            "category": "canary",
            "quality": 0.5,
        }
        return client.put(f"/v1/content/{FIRST_ID + number}", json=body).is_success

    return send


def _interaction(run: str) -> Send:
    def send(client: "httpx.Client", number: int) -> bool:
        key = interaction_key(run, number)
        one = {
            "idempotency_key": key,
            "kind": "view",
            "user_id": 1,
            "content_id": 1,
            "occurred_at": datetime.now(UTC).isoformat(),
        }
        answer = client.post("/v1/interactions", json={"interactions": [one]})
        # An answer 200 that does not say that the row is kept has promised nothing.
        kept = answer.json() if answer.is_success else {}
        if not isinstance(kept, dict):
            return False
        return key in kept.get("accepted", ()) or key in kept.get("repeated", ())

    return send


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main()
