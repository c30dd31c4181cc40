"""Whoever looks at an experiment leaves that behind."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.experiments.books import book

from opsctl.core.clock import SystemClock
from opsctl.evidence.ledger import Ledger
from opsctl.experiments.peeks import Peek, peek_evidence, peeks_of
from opsctl.experiments.registry import start_now
from opsctl.experiments.start_records import start_evidence

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def test_looks_are_read_back_in_the_order_in_which_they_were_recorded(tmp_path: Path) -> None:
    """Whatever else stands in the ledger; looks at an earlier simulation of the name can be left out."""
    ledger = Ledger(tmp_path, clock=SystemClock())
    earlier = start_now(book(alpha=0.01), name="agents", at=NOON)
    started = start_now(book(), name="agents", at=NOON, simulated=("readers",))
    other = start_now(book(), name="other", at=NOON)
    looks = [
        Peek(at=NOON + timedelta(days=day), units={"control": 10 * day, "b": 9}, p={"engaged": p}, outcome="keep_running")
        for day, p in ((1, 0.2), (2, 0.03), (3, float("nan")), (4, None))
    ]  # fmt: skip
    for evidence in (
        start_evidence(started),
        peek_evidence(earlier, looks[1]),
        *(peek_evidence(started, look) for look in looks),
        peek_evidence(other, looks[0]),
    ):
        ledger.append(evidence)

    records = ledger.records()
    found = peeks_of(records, name="agents", digest=started.digest)

    assert [look.at for look in found] == [look.at for look in looks]
    assert [look.units for look in found] == [look.units for look in looks]
    assert [look.p["engaged"] for look in found] == [0.2, 0.03, None, None]
    assert len({look.record for look in found}) == 4
    assert len(peeks_of(records, name="agents")) == 5
    assert [record.simulated for record in records if record.kind == "experiments.peek"].count(
        ("readers",)
    ) == 4
    assert ledger.verify().ok


def test_a_look_that_was_taken_away_is_missed(tmp_path: Path) -> None:
    """Looks are chained to each other: who removes one breaks the chain."""
    ledger = Ledger(tmp_path, clock=SystemClock())
    started = start_now(book(), name="agents", at=NOON)
    for day in range(3):
        ledger.append(
            peek_evidence(started, Peek(at=NOON + timedelta(days=day), units={}, p={"engaged": 0.5}))
        )
    path = tmp_path / "ledger.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)

    path.write_bytes(lines[0] + lines[2])

    assert not ledger.verify().ok
