"""Whatever rests on the evidence ledger refuses one that was changed; who looks often walks the chain only where it is new."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from opsctl.cli import exporting, ledger_health, wiring
from opsctl.core.errors import FailedError
from opsctl.evidence.chain import Verification
from opsctl.evidence.ledger import Ledger
from opsctl.evidence.model import Evidence, Verdict


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """Stand in a project with two records."""
    (tmp_path / "opsctl.yaml").write_text("{}\n")
    monkeypatch.setenv("OPSCTL_PROJECT", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    wiring.settings.cache_clear()
    found = wiring.ledger()
    for name in ("first", "second"):
        found.append(_evidence(name))
    yield found
    wiring.settings.cache_clear()


def _evidence(subject: str) -> Evidence:
    return Evidence(
        kind="experiments.peek",
        subject=subject,
        verdict=Verdict.PASS,
        figures={"units": 100},
        inputs={},
        tools={},
        started_at=datetime(2026, 11, 29, tzinfo=UTC),
        duration_seconds=1,
    )


def _forge() -> None:
    path = wiring.settings().home / "evidence" / "ledger.jsonl"
    path.write_text(path.read_text().replace('"units":100', '"units":1000', 1))


@pytest.mark.parametrize(
    "look", [lambda: ledger_health.sound_records(kind="experiments"), exporting._evidence]
)
def test_records_of_a_changed_ledger_count_for_nothing(ledger: Ledger, look):
    """Neither for an experiment nor for Prometheus, which reads the exporter's family as stale then."""
    assert look()

    _forge()

    with pytest.raises(FailedError, match="does not verify"):
        look()


def test_the_chain_is_walked_where_the_files_are_new_only(ledger: Ledger, monkeypatch: pytest.MonkeyPatch):
    """Once for any number of looks, and again after an append."""
    walked: list[str] = []
    walk = Ledger.verify

    def counted(ledger: Ledger) -> Verification:
        walked.append("walk")
        return walk(ledger)

    monkeypatch.setattr(Ledger, "verify", counted)
    watched = ledger_health.WatchedLedger()

    assert [len(watched.records()) for _ in range(3)] == [2, 2, 2]
    assert len(walked) == 1
    ledger.append(_evidence("third"))
    assert len(watched.records()) == 3
    assert len(walked) == 2
