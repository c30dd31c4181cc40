"""Which of the faults that a ranking service can meet are drilled, what came of each, and why the others are not."""

from collections.abc import Iterator, Sequence
from typing import Final

from opsctl.chaos.journal import Entry
from opsctl.chaos.judge_alerts import detected_seconds
from opsctl.chaos.sample import Phase
from opsctl.core.outside_text import in_markdown

ROWS: Final = {
    1: "the vector database is down",
    2: "the vector database is slow",
    3: "the vector database flaps",
    4: "the vector database never answers",
    5: "the vector database answers wrongly",
    6: "a collection is empty, its alias lost",
    7: "PostgreSQL is down",
    8: "the pool of connections is exhausted",
    9: "long locks, slow queries",
    10: "PostgreSQL fails over, connections are reset",
    11: "the shared cache is down",
    12: "a stampede on the cache",
    13: "a poisoned cache entry",
    14: "a cold start under load",
    15: "the model times out",
    16: "the model answers garbage",
    17: "the model refuses for a while (429)",
    18: "a storm of retries",
    19: "three times the load",
    20: "a worker is killed",
    21: "the service is stopped (gray failure)",
    22: "memory is short",
    23: "all cores are taken",
    24: "the disk is full",
    25: "the disk is slow or read-only",
    26: "file descriptors are exhausted",
    27: "the clock jumps",
    28: "names are not resolved",
    29: "the network is narrow",
    30: "answers break off",
    31: "a one-way partition",
    32: "a bad release",
    33: "an expired certificate, a rotated secret",
    34: "Prometheus or Alertmanager is down",
    35: "backups stop or rot",
    36: "changes are not followed",
    37: "two faults at once",
    38: "clients of bad will",
}
"""The catalogue: what can go wrong, by number."""

NOT_DRILLED: Final = {
    25: "a slow or read-only disk cannot be made without a file system of its own, which needs root",
    27: "the clock of a process cannot be moved without a preloaded library; breakers, deadlines and leases run on the "
    "monotonic clock, and tests move the wall clock",
    28: "on loopback no name is resolved",
    32: "no drill makes one: a rendered deployment is checked offline, and the way back stands in the guides of deployment",
    33: "the lines of the local stack carry no TLS; keys that expire or are revoked are tested with the service",
    34: "`opsctl alerts prove` breaks their configurations and a receiver; that the sign of life stays away is noticed "
    "where it is received, outside of this stack",
    35: "`opsctl dr drill repository_corrupted` makes them rot and recovers all the same; `backup_stale` tells when "
    "they stop",
}


def catalogue_table(entries: Sequence[Entry]) -> str:
    """Return the catalogue as a table of Markdown, each row with what its drills measured."""
    names = ("#", "fault", "drill", "verdict", "availability", "p99", "tiers")
    times = ("told after", "back after", "own tier again after")
    columns = (*names, *times)
    head = f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}"
    return "\n".join([head, *(line for row in ROWS for line in _lines(row, entries))]) + "\n"


def _lines(row: int, entries: Sequence[Entry]) -> Iterator[str]:
    held = [entry for entry in entries if row in entry.drill.catalogue]
    if not held:
        why = NOT_DRILLED.get(row, "not held yet")
        yield f"| {row} | {ROWS[row]} | - | {why} | | | | | | |"
    for entry in held:
        yield f"| {row} | {ROWS[row]} | {' | '.join(_cells(entry))} |"


def _cells(entry: Entry) -> Iterator[str]:
    during, report = entry.report.phase(Phase.FAULT), entry.report
    yield f"`{report.drill}`"
    reasons = "; ".join(reason.text for reason in entry.verdict.reasons)
    yield f"{entry.verdict.outcome}{': ' + in_markdown(reasons) if reasons else ''}"
    yield "-" if during.availability is None else f"{during.availability:.2%}"
    yield "-" if during.p99_seconds is None else f"{during.p99_seconds * 1000:.0f} ms"
    yield ", ".join(f"{tier} {count / during.fresh:.0%}" for tier, count in during.tiers.items()) or "-"
    told = [
        f"{alert.name} {seconds:.0f} s"
        for alert in entry.drill.expect.alerts
        if (seconds := detected_seconds(alert, report)) is not None
    ]
    yield ", ".join(told) or "-"
    for seconds in (report.recovered_seconds, report.tier_recovered_seconds):
        yield "-" if seconds is None else f"{seconds:.0f} s"
