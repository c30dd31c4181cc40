"""A run is kept whole, and told to build servers and pull requests without a green word too many."""

import json
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from tests.chaos.drills import drill, held, named
from tests.fakes.drill_world import FAILED, SIMPLE, AlertReaction, DrillWorld

from opsctl.chaos.evidence import Circumstances, drill_evidence
from opsctl.chaos.journal import Journal, entry_of, from_json, read_journal, to_json, write_journal
from opsctl.chaos.junit import to_junit
from opsctl.chaos.markdown import to_markdown
from opsctl.chaos.verdict import Outcome
from opsctl.core.errors import UsageError
from opsctl.evidence.model import Verdict, digest_of

EXPECT: dict[str, Any] = {"tier": "simple", "alerts": [{"name": "VectorStoreDown", "detect_within": "30s"}]}
ODD = "a <b>title</b> | with @team and \x00"


def journal() -> Journal:
    """Return a run of a drill that holds, one that deviates, one that could not begin, and one with residue."""
    simple, alert = {"vectors_down": (SIMPLE,)}, AlertReaction(name="VectorStoreDown")
    worlds = {
        "held": DrillWorld(during=simple, alerts=(alert,), cures="degrade"),
        "deviated": DrillWorld(during={"vectors_down": (SIMPLE, FAILED)}),
        "unsteady": DrillWorld(usual=(FAILED,)),
        "residue": DrillWorld(during=simple, alerts=(alert,), left=("process 42 is stopped",)),
    }
    entries = []
    for name, world in worlds.items():
        cure = {"command": "degrade", "ends_within": "20s"} if name == "held" else None
        probes = [{"name": "ready", "url": "http://127.0.0.1/"}]
        expect = EXPECT if cure is None else {"alerts": EXPECT["alerts"]}
        made = drill(expect=expect, title=ODD, mitigation=cure, probes=probes)
        report, verdict = held(world, made, name=name)
        entries.append(entry_of(named(made, name=name), report=report, verdict=verdict))
    return Journal(run_id="20261122T120000-chaos", entries=tuple(entries), simulated=("language model",))


def test_a_journal_comes_back_as_it_was(tmp_path):
    """Every report with its points, alerts, probes and mitigation."""
    path, made = tmp_path / "runs" / "journal.json", journal()

    write_journal(path, made)

    assert read_journal(path) == made
    assert json.loads(path.read_text())["schema"] == "opsctl.chaos.journal/1"
    assert {entry.verdict.outcome for entry in made.entries} == set(Outcome)


@pytest.mark.parametrize(
    "change",
    [
        lambda _: "[]",
        lambda _: "{",
        lambda text: text.replace("journal/1", "journal/2"),
        lambda text: text.replace('"outcome": "held"', '"outcome": "green"'),
        lambda text: text.replace('"residue"', '"other"', 1),
        lambda _: '{"schema": "opsctl.chaos.journal/1"}',
        lambda _: "[" * 100_000,
    ],
)
def test_what_is_no_journal_is_refused(tmp_path, change):
    """Also one of another version."""
    path = tmp_path / "journal.json"
    path.write_text(change(to_json(journal())))

    with pytest.raises(UsageError) as caught:
        read_journal(path)

    assert caught.value.code == "CHA030"


def test_a_journal_from_before_tiers_and_counters_were_watched_is_still_read():
    """It says of them that nobody looked."""
    body = json.loads(to_json(journal()))
    for entry in body["entries"]:
        for name in ("tier_recovered_seconds", "tier_after", "counters", "unfelt"):
            del entry["report"][name]
        for name in ("tier_recovery", "counters", "allowed_pages", "restarts_at_least"):
            del entry["drill"]["expect"][name]

    reports = [entry.report for entry in from_json(json.dumps(body)).entries]

    assert {(each.tier_recovered_seconds, each.tier_after, each.counters, each.unfelt) for each in reports} == {(None, None, (), ())}  # fmt: skip


def test_a_cost_that_cannot_be_told_is_kept_as_such_and_never_a_pass():
    """Where nobody asked before the fault, what failed during it has no measure; infinity is no JSON."""
    lenient = {"min_samples": 0, "max_share": 1}
    made = drill(steady_state=lenient, expect={}, stop_when={"availability_below": 0}, baseline="1ms")
    report, verdict = held(DrillWorld(during={"vectors_down": (FAILED,)}), made)
    run = Journal(run_id="r", entries=(entry_of(named(made), report=report, verdict=verdict),))

    assert report.spent_minutes is None
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "what it cost cannot be told" in "; ".join(reason.text for reason in verdict.reasons)
    assert from_json(to_json(run)) == run
    assert "| - |" in to_markdown(run)


def test_junit_counts_deviations_as_failures_and_the_unknown_as_errors():
    """Nothing that could not be told looks like a pass."""
    root = ET.fromstring(to_junit(journal()))  # noqa: S314 - it was written a line ago

    suites = {suite.get("name", "").split()[-1]: suite for suite in root}
    counts = {
        name: (suite.get("failures"), suite.get("errors"), suite.get("skipped"))
        for name, suite in suites.items()
    }
    assert counts == {
        "held": ("0", "0", "0"),
        "deviated": ("4", "0", "0"),
        "unsteady": ("0", "2", "15"),
        "residue": ("0", "2", "0"),
    }
    assert root.get("failures") == "4"
    for suite in suites.values():
        assert len(suite.findall("testcase")) == int(suite.get("tests", "0"))


def test_markdown_shows_every_drill_and_escapes_what_came_from_outside():
    """No tag, no mention, no broken table."""
    text = to_markdown(journal())

    assert text.startswith("### ⛔ Drills: 1 of 4 held")
    assert "| deviated | ❌ deviated | 50 % |" in text
    assert "| unsteady | ❔ cannot tell | - | - | - | - | 0 |" in text
    assert "left behind: process 42 is stopped" in text
    assert "<b>" not in text
    assert "@team" not in text
    assert from_json(to_json(journal())) == journal()


@pytest.mark.parametrize(
    ("place", "verdict"), list(enumerate([Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.FAIL]))
)
def test_evidence_says_what_was_measured_and_of_which_book(place, verdict):
    """Figures are plain values, so that they have one hash."""
    entry = journal().entries[place]
    made = named(drill(expect=EXPECT), name=entry.report.drill)

    evidence = drill_evidence(
        made,
        report=entry.report,
        verdict=entry.verdict,
        circumstances=Circumstances(tools={"opsctl": "1"}, simulated=("language model",)),
    )

    assert (evidence.kind, evidence.subject, evidence.verdict) == ("chaos.drill", entry.report.drill, verdict)
    assert evidence.inputs == {"drill": made.digest}
    assert evidence.simulated == ("language model",)
    assert digest_of(evidence.figures)
    if verdict is Verdict.PASS:
        assert evidence.figures["detected_seconds"] == pytest.approx(15, abs=1)
        assert evidence.figures["availability"] == 1.0
