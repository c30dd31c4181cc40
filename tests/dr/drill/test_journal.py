"""A run of drills is kept whole and comes back as it was, or is refused with the place that is wrong."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.dr.drill.drills import command, entry, journal, missed, recovery, run

from opsctl.cli.explain import explanation_of
from opsctl.core.errors import UsageError
from opsctl.dr.drill.journal import Entry, Journal, from_json, read_journal, to_json, write_journal
from opsctl.dr.drill.judge import DrillVerdict, Goals, Outcome
from opsctl.dr.drill.losses import Loss
from opsctl.dr.drill.model import CommandSeen, DrillRun, SecondSeen, Stage, StageSeen

SECONDS = st.floats(min_value=0, allow_nan=False, allow_infinity=False)
MOMENTS = st.floats(min_value=0, max_value=253_402_214_400, allow_nan=False)
NUMBERS = st.integers(min_value=0, max_value=2**63)
COUNTS = st.dictionaries(st.text(max_size=9), NUMBERS, max_size=3)
LENGTHS = st.dictionaries(st.text(max_size=9), SECONDS, max_size=3)


def several(values):
    """Return tuples of some of these."""
    return st.lists(values, max_size=3).map(tuple)


STAGES = st.lists(SECONDS, max_size=len(Stage)).map(
    lambda lengths: tuple(
        StageSeen(stage=stage, seconds=each) for stage, each in zip(Stage, lengths, strict=False)
    )
)
RUNS = st.builds(
    DrillRun,
    scenario=st.text(max_size=9),
    title=st.text(max_size=9),
    seed=st.integers(),
    started_at=MOMENTS,
    destroyed_at=st.none() | MOMENTS,
    ended_at=MOMENTS,
    backup_id=st.none() | st.text(max_size=9),
    stages=STAGES,
    commands=several(st.builds(CommandSeen, command=st.text(), seconds=SECONDS, exit_code=st.integers(), tail=st.text())),
    restore_steps=LENGTHS,
    losses=several(
        st.builds(
            Loss, stream=st.text(), acknowledged=NUMBERS, tail=NUMBERS, holes=NUMBERS, phantoms=NUMBERS,
            rpo_seconds=SECONDS, first_lost=several(NUMBERS),
        )
    ),
    divergence=NUMBERS,
    acknowledged_per_second=LENGTHS,
    given_up=COUNTS,
    points=several(
        st.builds(SecondSeen, second=NUMBERS, good=NUMBERS, bad=NUMBERS, p99_seconds=st.none() | SECONDS, tiers=COUNTS)
    ),
    served_while_gone=st.none() | SECONDS,
    tiers_while_gone=COUNTS,
    errors=several(st.text()),
    is_interrupted=st.booleans(),
)  # fmt: skip
VERDICTS = st.just(DrillVerdict(outcome=Outcome.PASSED, reasons=())) | st.builds(
    DrillVerdict,
    outcome=st.sampled_from([Outcome.MISSED, Outcome.INCONCLUSIVE]),
    reasons=st.lists(st.text(), min_size=1, max_size=3).map(tuple),
)
GOALS = st.builds(Goals, rpo_seconds=SECONDS, rto_seconds=SECONDS, detect_seconds=st.none() | SECONDS)
BOOKS = st.sampled_from(
    [recovery(), recovery(alert=None, loses=["region"], moment="during_backup", rpo="1s")]
)
JOURNALS = st.builds(
    Journal,
    run_id=st.text(),
    entries=several(st.builds(Entry, recovery=BOOKS, goals=GOALS, run=RUNS, verdict=VERDICTS, book_digest=st.text())),
    simulated=several(st.text()),
)  # fmt: skip


def test_a_journal_comes_back_as_it_was(tmp_path):
    """Drills that came back, that did not, and that were never held."""
    path, made = tmp_path / "runs" / "journal.json", journal()

    write_journal(path, made)

    assert read_journal(path) == made
    assert json.loads(path.read_text())["schema"] == "opsctl.dr.drills/1"
    assert {each.verdict.outcome for each in made.entries} == set(Outcome)


@pytest.mark.slow
@given(JOURNALS)
def test_whatever_a_drill_may_hold_comes_back_as_it_was(made: Journal):
    """And the same journal is the same text, byte for byte."""
    text = to_json(made)

    assert from_json(text) == made
    assert to_json(from_json(text)) == text


def test_half_a_character_that_a_command_printed_costs_no_journal(tmp_path):
    """It becomes a question mark; all else stays."""
    path = tmp_path / "journal.json"

    write_journal(path, journal(entry(run(commands=(command(tail="caf\udce9"),)))))

    assert read_journal(path).entries[0].run.commands[0].tail == "caf?"


def test_a_number_that_is_none_is_not_written():
    """A journal with NaN would be none for every other reader of JSON."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json(journal(entry(run(divergence=float("nan")))))


@pytest.mark.parametrize(
    ("change", "code", "told"),
    [
        (lambda _: "[]", "DRC080", "schema"),
        (lambda _: "{", "DRC080", ""),
        (lambda text: text[: len(text) // 2], "DRC080", ""),
        (lambda _: '{"schema": "opsctl.chaos.journal/1"}', "DRC080", "opsctl.dr.drills/..."),
        (lambda text: text.replace('"divergence"', '"seed": 1, "divergence"', 1), "DRC080", "twice"),
        (lambda text: text.replace('"divergence": 0', '"divergence": 1e999', 1), "DRC080", "finite"),
        (lambda text: text.replace("drills/1", "drills/2"), "DRC081", "drills/2"),
        (lambda _: '{"schema": "opsctl.dr.drills/1"}', "DRC082", "run_id"),
        (lambda text: text.replace('"seed": 7', '"seed": "7"', 1), "DRC082", "entries.0.run.seed"),
        (lambda text: text.replace('"seed": 7', '"seed": true', 1), "DRC082", "entries.0.run.seed"),
        (lambda text: text.replace('"seed": 7', '"seeds": 7', 1), "DRC082", "entries.0.run.seed"),
        (lambda text: text.replace('"outcome": "passed"', '"outcome": "green"', 1), "DRC082", "entries.0.verdict.outcome"),
        (lambda text: text.replace('"loses": [', '"loses": ["moon", ', 1), "DRC082", "entries.0.recovery.loses.0"),
        (lambda text: text.replace('"detected"', '"serving"', 1), "DRC083", "entries.0"),
        (lambda text: text.replace('"seconds": 14.0', '"seconds": -14.0', 1), "DRC083", "less than nothing"),
        (lambda text: text.replace('"outcome": "missed"', '"outcome": "passed"'), "DRC083", "entries.2"),
    ],
)  # fmt: skip
def test_what_is_no_journal_of_ours_is_refused_with_the_place(tmp_path, change, code, told):
    """Cut short, of something else, of another version, of the wrong kind, edited; and every code is explained."""
    path = tmp_path / "journal.json"
    path.write_text(change(to_json(journal())))

    with pytest.raises(UsageError) as caught:
        read_journal(path)

    assert caught.value.code == code
    assert told in f"{caught.value.message} {caught.value.why}"
    assert caught.value.fix
    assert explanation_of(code)


def test_a_journal_that_is_not_there_is_not_an_empty_one(tmp_path):
    """The path is named."""
    with pytest.raises(UsageError, match=r"gone\.json"):
        read_journal(tmp_path / "gone.json")


def test_a_journal_from_before_rows_were_given_up_is_still_read():
    """What has a default may be missing; what says something may not."""
    body = json.loads(to_json(journal(missed())))
    del body["entries"][0]["run"]["given_up"]

    kept = from_json(json.dumps(body)).entries[0]

    assert kept == replace(missed(), run=replace(missed().run, given_up={}))


@pytest.mark.parametrize("field", ["started_at", "destroyed_at", "ended_at"])
def test_a_time_that_no_calendar_has_is_refused(field: str):
    """It would be an overflow where the last drill of each kind is listed."""
    text = to_json(journal(entry(run(**{field: 1e300}))))

    with pytest.raises(UsageError) as caught:
        from_json(text)

    assert caught.value.code == "DRC083"
