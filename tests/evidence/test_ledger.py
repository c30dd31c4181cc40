"""The evidence ledger: nothing is lost, and nothing can be changed unseen."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from opsctl.core.errors import FailedError, NotReadyError
from opsctl.evidence.ledger import Ledger
from opsctl.evidence.model import Evidence, Verdict, record_from_line


class FakeClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        """Return the set moment."""
        return self.moment

    def monotonic(self) -> float:
        """Return the set moment in seconds."""
        return self.moment.timestamp()

    def sleep(self, seconds: float) -> None:
        """Move the clock instead of waiting."""
        self.moment += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> FakeClock:
    """Give a clock that stands still."""
    return FakeClock()


@pytest.fixture
def ledger(tmp_path: Path, clock: FakeClock) -> Ledger:
    """Give an empty ledger."""
    return Ledger(tmp_path, clock=clock)


def proof(kind: str = "bench.latency", subject: str = "feed", **figures: object) -> Evidence:
    """Return something to record."""
    return Evidence(
        kind=kind,
        subject=subject,
        verdict=Verdict.PASS,
        figures=figures,
        inputs={"book": "0" * 64},
        tools={"opsctl": "0"},
        started_at=datetime(2026, 11, 22, 11, 59, tzinfo=UTC),
        duration_seconds=60.0,
    )


def titles(ledger: Ledger) -> list[str]:
    """Return what verification has to say."""
    return [finding.title for finding in ledger.verify().findings]


def lines_of(folder: Path) -> list[str]:
    """Return the lines of the ledger file."""
    return (folder / "ledger.jsonl").read_text().splitlines()


def rewrite(folder: Path, lines: list[str]) -> None:
    """Put other lines into the ledger file, as a forger would."""
    (folder / "ledger.jsonl").write_text("".join(f"{line}\n" for line in lines))


def test_records_are_chained_and_verify(ledger: Ledger):
    """Each record names the hash of the one before it."""
    first, second = ledger.append(proof()), ledger.append(proof())

    assert second.previous == first.digest
    assert ledger.verify().findings == ()
    assert ledger.verify().records == 2


def test_what_is_read_is_what_was_written(ledger: Ledger):
    """A record survives the way through the file, Unicode and all."""
    written = ledger.append(proof(subject="fotógrafo 📷", p95_ms=1.25, note="naïve"))

    assert ledger.find(written.id) == written


def test_records_are_found_by_kind_family_and_subject(ledger: Ledger):
    """`collections` finds `collections.rebuild`, but `bench` finds no `benchmark`."""
    ledger.append(proof(kind="collections.rebuild", subject="a"))
    ledger.append(proof(kind="benchmark", subject="a"))
    ledger.append(proof(kind="collections.verify", subject="b"))

    assert [record.kind for record in ledger.records(kind="collections")] == [
        "collections.verify",
        "collections.rebuild",
    ]
    assert ledger.records(kind="bench") == []
    assert [record.kind for record in ledger.records(subject="a")] == ["benchmark", "collections.rebuild"]


def test_a_record_goes_stale_by_itself(ledger: Ledger, clock: FakeClock):
    """After its time a proof no longer counts."""
    record = ledger.append(proof())

    assert not record.is_stale(clock.now())
    assert record.is_stale(clock.now() + timedelta(days=7))


def test_a_changed_figure_is_found(ledger: Ledger, tmp_path: Path):
    """Whoever edits a figure breaks the record's own hash."""
    for p95_ms in (1, 2, 3):
        ledger.append(proof(p95_ms=p95_ms))
    lines = lines_of(tmp_path)
    rewrite(tmp_path, [lines[0], lines[1].replace('"p95_ms":2', '"p95_ms":1'), lines[2]])

    assert any("was changed" in title for title in titles(ledger))


def test_a_changed_record_with_a_new_hash_is_found(ledger: Ledger, tmp_path: Path):
    """Whoever also mends the hash breaks the chain to the next record."""
    for p95_ms in (1, 2, 3):
        ledger.append(proof(p95_ms=p95_ms))
    lines = lines_of(tmp_path)
    forged = replace(record_from_line(lines[1].encode()), figures={"p95_ms": 0})
    forged = replace(forged, digest=forged.computed_digest())
    rewrite(tmp_path, [lines[0], forged.to_line().decode().rstrip(), lines[2]])

    assert any("does not follow" in title for title in titles(ledger))


@pytest.mark.parametrize("removed", [0, 1, 2])
def test_a_removed_record_is_found_wherever_it_stood(ledger: Ledger, tmp_path: Path, removed: int):
    """The first, one in the middle, and also the last, which a chain alone would not miss."""
    for _ in range(3):
        ledger.append(proof())
    lines = lines_of(tmp_path)
    rewrite(tmp_path, [line for index, line in enumerate(lines) if index != removed])

    assert not ledger.verify().ok


def test_a_torn_last_line_is_moved_aside_by_the_next_append(ledger: Ledger, tmp_path: Path):
    """A crash in mid-write leaves half a line, which was never acknowledged."""
    ledger.append(proof())
    with (tmp_path / "ledger.jsonl").open("a") as file:
        file.write('{"sequence":2,"id"')

    ledger.append(proof())

    assert ledger.verify().findings == ()
    assert ledger.verify().records == 2
    assert '{"sequence":2,"id"' in (tmp_path / "ledger.torn").read_text()


def test_a_crash_between_record_and_head_is_a_warning_that_mends_itself(ledger: Ledger, tmp_path: Path):
    """The record counts; the next append brings the head up to date."""
    ledger.append(proof())
    head = (tmp_path / "head").read_text()
    ledger.append(proof())
    (tmp_path / "head").write_text(head)

    assert titles(ledger) == ["the head is one record behind the ledger"]
    assert ledger.verify().ok

    ledger.append(proof())

    assert ledger.verify().findings == ()


def test_nothing_is_chained_to_a_damaged_record(ledger: Ledger, tmp_path: Path):
    """An append after garbage would give the garbage a place in the chain."""
    ledger.append(proof())
    with (tmp_path / "ledger.jsonl").open("a") as file:
        file.write("garbage\n")

    with pytest.raises(FailedError, match="damaged"):
        ledger.append(proof())


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_an_append_does_not_cover_up_records_cut_off_before_it(ledger: Ledger, tmp_path: Path, kept: int):
    """A new head would make the loss invisible for good, so nothing is added until somebody has looked."""
    for _ in range(3):
        ledger.append(proof())
    rewrite(tmp_path, lines_of(tmp_path)[:kept])

    with pytest.raises(FailedError, match="does not end where its head says"):
        ledger.append(proof())

    assert not ledger.verify().ok
    assert len(lines_of(tmp_path)) == kept


def test_a_crash_before_the_very_first_head_is_a_warning_too(ledger: Ledger, tmp_path: Path):
    """The first record counts although no head was written yet; a head lost later is a break."""
    ledger.append(proof())
    (tmp_path / "head").unlink()
    assert titles(ledger) == ["the head is one record behind the ledger"]

    ledger.append(proof())
    assert ledger.verify().findings == ()

    (tmp_path / "head").unlink()
    assert titles(ledger) == ["the head of the ledger is missing"]
    with pytest.raises(FailedError, match="does not end where its head says"):
        ledger.append(proof())


def test_a_figure_that_is_no_number_is_refused(ledger: Ledger):
    """NaN has no place in JSON, nor in a proof."""
    with pytest.raises(ValueError, match="JSON compliant"):
        ledger.append(proof(p95_ms=float("nan")))

    assert ledger.verify().records == 0


WRITER = textwrap.dedent("""
    import sys
    from datetime import UTC, datetime
    from pathlib import Path
    from opsctl.core.clock import SystemClock
    from opsctl.evidence.ledger import Ledger
    from opsctl.evidence.model import Evidence, Verdict
    ledger = Ledger(Path(sys.argv[1]), clock=SystemClock())
    for index in range(int(sys.argv[3])):
        record = ledger.append(Evidence(kind="test", subject=sys.argv[2], verdict=Verdict.PASS,
            figures={"index": index}, inputs={}, tools={}, started_at=datetime.now(UTC), duration_seconds=0.0))
        print(record.sequence, flush=True)
""")


def writer(folder: Path, name: str, count: int) -> subprocess.Popen[str]:
    """Start a process that appends `count` records and prints the sequence of each."""
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), name, str(count)], stdout=subprocess.PIPE, text=True
    )


def test_two_writers_at_once_lose_nothing(ledger: Ledger, tmp_path: Path):
    """Every record of both is there, and the chain is whole."""
    writers = [writer(tmp_path, name, 40) for name in ("one", "two")]
    for process in writers:
        process.communicate(timeout=60)

    assert [process.returncode for process in writers] == [0, 0]
    assert ledger.verify().findings == ()
    found = {(record.subject, record.figures["index"]) for record in ledger.records()}
    assert found == {(name, index) for name in ("one", "two") for index in range(40)}


def test_every_acknowledged_record_survives_a_kill(ledger: Ledger, tmp_path: Path):
    """What was printed as written before kill -9 is in the ledger after it."""
    process = writer(tmp_path, "victim", 100_000)
    assert process.stdout is not None
    acknowledged = [int(process.stdout.readline()) for _ in range(25)]
    os.kill(process.pid, signal.SIGKILL)
    acknowledged += [int(line) for line in process.stdout.read().splitlines()]
    process.wait(timeout=10)
    process.stdout.close()

    ledger.append(proof())

    assert {record.sequence for record in ledger.records()} >= set(acknowledged)
    assert ledger.verify().ok


def test_a_record_is_one_line_of_sorted_json(ledger: Ledger, tmp_path: Path):
    """Anyone can read the ledger without opsctl and check the hashes."""
    ledger.append(proof())
    line = lines_of(tmp_path)[0]

    assert json.dumps(json.loads(line), sort_keys=True, separators=(",", ":"), ensure_ascii=False) == line


def test_a_folder_that_is_a_file_is_no_empty_ledger(tmp_path: Path, clock: FakeClock):
    """`verify` must not call whole what it cannot look at."""
    (tmp_path / "evidence").write_text("")
    ledger = Ledger(tmp_path / "evidence", clock=clock)

    for look in (ledger.verify, ledger.records, lambda: ledger.append(proof())):
        with pytest.raises(NotReadyError, match=r"ledger\.jsonl") as caught:
            look()
        assert caught.value.code == "FIL003"


def test_a_ledger_that_is_a_folder_is_named(tmp_path: Path, ledger: Ledger):
    """The system's refusal is told with the path."""
    (tmp_path / "ledger.jsonl").mkdir()

    with pytest.raises(NotReadyError, match="cannot read"):
        ledger.verify()


def test_a_head_of_rubbish_is_a_finding(tmp_path: Path, ledger: Ledger):
    """Bytes that are no text do not stop the verification."""
    ledger.append(proof())
    ledger.append(proof())
    (tmp_path / "head").write_bytes(b"\xff\xfe\x00")

    assert not ledger.verify().ok


@pytest.mark.parametrize("change", [{"figures": "x"}, {"sequence": "1"}, {"subject": None}, {"tools": []}])
def test_a_record_of_other_kinds_of_parts_is_a_finding(
    tmp_path: Path, ledger: Ledger, change: dict[str, object]
):
    """A hand-made record neither passes nor breaks those who show it."""
    ledger.append(proof())
    path = tmp_path / "ledger.jsonl"
    path.write_text(json.dumps(json.loads(path.read_text()) | change) + "\n")

    assert not ledger.verify().ok
    with pytest.raises(FailedError, match="damaged"):
        ledger.records()


def test_a_last_record_that_only_lacks_its_line_end_is_kept(ledger: Ledger, tmp_path: Path):
    """An editor took it away; the head counts the record."""
    ledger.append(proof())
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(path.read_bytes().rstrip(b"\n"))

    ledger.append(proof())

    assert ledger.verify().findings == ()
    assert ledger.verify().records == 2
    assert not (tmp_path / "ledger.torn").exists()


def test_a_refusal_says_where_the_torn_line_is(ledger: Ledger, tmp_path: Path):
    """Half of a record that the head counts."""
    ledger.append(proof())
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(path.read_bytes()[:-40])

    with pytest.raises(FailedError) as caught:
        ledger.append(proof())

    assert "`ledger.torn`" in str(caught.value.why)
    assert (tmp_path / "ledger.torn").exists()


def test_a_line_of_brackets_without_end_is_no_record(ledger: Ledger, tmp_path: Path):
    """What reads JSON goes down as deep as it does."""
    ledger.append(proof())
    with (tmp_path / "ledger.jsonl").open("a") as file:
        file.write("[" * 100_000 + "\n")

    assert "a line is not a whole record" in titles(ledger)
    with pytest.raises(FailedError):
        ledger.records()


@pytest.mark.parametrize("name", ["ledger.jsonl", "head", "lock"])
def test_a_pipe_in_the_place_of_a_file_is_refused_at_once(ledger: Ledger, tmp_path: Path, name: str):
    """Nobody writes to it, so its opening would wait for ever."""
    os.mkfifo(tmp_path / name)

    with pytest.raises(NotReadyError, match="cannot write"):
        ledger.append(proof())
    with pytest.raises(NotReadyError, match="cannot read"):
        ledger.records()
