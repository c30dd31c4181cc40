"""A survey of the ledger keeps what the site shows, in memory that does not grow with the ledger."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from opsctl.core.findings import Severity
from opsctl.evidence.ledger import Ledger
from opsctl.evidence.model import Record, Verdict
from opsctl.evidence.survey import MOST_EARLIER, MOST_RECENT, MOST_SUBJECTS, Surveyor

MOMENT = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
PLAIN = Record(
    sequence=1,
    id="20261129T120000-00001",
    kind="bench.load",
    subject="standard",
    verdict=Verdict.PASS,
    figures={},
    inputs={},
    tools={},
    git_commit=None,
    started_at=MOMENT,
    duration_seconds=1.0,
    recorded_at=MOMENT,
    expires_at=MOMENT + timedelta(days=7),
)


def records(*pairs: tuple[str, str]) -> list[Record]:
    """Return records of these kinds and subjects, in this order."""
    return [
        replace(PLAIN, sequence=number, id=f"r{number}", kind=kind, subject=subject)
        for number, (kind, subject) in enumerate(pairs, start=1)
    ]


def surveyed(*pairs: tuple[str, str], trends=()):
    """Return the survey of these."""
    surveyor = Surveyor(trends=trends)
    for record in records(*pairs):
        surveyor.look(record)
    return surveyor.survey()


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")), max_size=40))
def test_the_newest_of_each_subject_is_the_one_that_came_last(pairs):
    """Whatever came between, and the last of a kind is the last of all its subjects."""
    survey = surveyed(*pairs)
    wanted = {(each.kind, each.subject): each for each in records(*pairs)}

    assert {key: survey.newest[key[0]][key[1]] for key in wanted} == wanted
    for kind in {kind for kind, _ in pairs}:
        assert survey.last(kind) == max(
            (each for each in wanted.values() if each.kind == kind), key=lambda each: each.sequence
        )
    assert survey.records == len(pairs)
    assert [each.sequence for each in survey.recent] == list(range(len(pairs), 0, -1))


def test_old_subjects_are_let_go_and_counted():
    """Each backup is a subject of its own; the newest ones stay."""
    survey = surveyed(*(("dr.verify", f"backup-{number}") for number in range(MOST_SUBJECTS + 30)))

    assert len(survey.newest["dr.verify"]) == MOST_SUBJECTS
    assert "backup-29" not in survey.newest["dr.verify"]
    assert survey.of("dr.verify")[0].subject == f"backup-{MOST_SUBJECTS + 29}"
    assert survey.forgotten == {"dr.verify": 30}
    assert survey.counts[0].records == MOST_SUBJECTS + 30


def test_a_hundred_thousand_records_take_no_more_memory_than_a_few_thousand():
    """Nothing is kept of a record that no page shows, neither of its subject nor of its trend."""
    surveyor = Surveyor(trends={"bench.load"})
    for number in range(100_000):
        surveyor.look(replace(PLAIN, sequence=number + 1, subject=f"subject-{number % 5000}"))
    survey = surveyor.survey()

    assert len(survey.recent) == MOST_RECENT
    assert len(survey.newest["bench.load"]) == MOST_SUBJECTS
    assert len(survey.trends) <= MOST_SUBJECTS
    assert all(len(trend) <= MOST_EARLIER for trend in survey.trends.values())
    assert survey.records == 100_000


def test_trends_are_kept_of_the_kinds_that_were_asked_for():
    """The oldest first."""
    survey = surveyed(("a", "x"), ("b", "x"), ("a", "x"), trends={"a"})

    assert {key: [each.sequence for each in trend] for key, trend in survey.trends.items()} == {
        ("a", "x"): [1, 3]
    }


def test_a_verification_shows_every_whole_record_that_it_passes(tmp_path):
    """Also of a broken ledger; a line that is no record is told as a finding, and is passed over."""
    ledger = Ledger(tmp_path, clock=_Still())
    for subject in "xyz":
        ledger.append(_evidence(subject))
    path = tmp_path / "ledger.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"no record\n" + lines[2])
    seen: list[Record] = []

    verification = ledger.verify(seen=seen.append)

    assert [each.subject for each in seen] == ["x", "z"]
    assert not verification.ok
    assert verification.findings[0].severity is Severity.ERROR


class _Still:
    """A clock that stands still."""

    def now(self) -> datetime:
        return MOMENT

    def monotonic(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        """Do not wait."""


def _evidence(subject: str):
    from opsctl.evidence.model import Evidence

    return Evidence(
        kind="bench.load",
        subject=subject,
        verdict=Verdict.PASS,
        figures={},
        inputs={},
        tools={},
        started_at=MOMENT,
        duration_seconds=1.0,
    )
