"""Which commands a refresh runs, in which order, and how it goes on after a kill."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.checklist.making import DAY, NOW, Project, book, record, signed
from tests.fakes.clock import FakeClock

from opsctl.checklist.book import ChecklistBook
from opsctl.checklist.judging import judge
from opsctl.checklist.refresh.journal import Ending, RefreshJournal, from_text, to_text
from opsctl.checklist.refresh.plan import Planned, RefreshPlan, Source, plan_refresh
from opsctl.checklist.refresh.run import Ran, Ways, run_refresh
from opsctl.core.events import Event, Noted
from opsctl.evidence.model import Record, Verdict

COMMANDS: dict[str, Any] = {
    "costs": {"run": ["costs", "estimate"], "after": ["load", "measure"]},
    "stack": {"run": ["stack", "up"]},
    "items": {"run": ["catalog", "generate"], "after": ["stack"], "local": True, "usual": "30s"},
    "load": {"run": ["bench", "load"], "after": ["items"]},
    "measure": {"run": ["costs", "measure"], "limit": "2m"},
}


def item(name: str, kind: str, refresh: str | None, **more: Any) -> dict[str, Any]:
    """Return an item with one query."""
    query = {"kind": kind, "subject": "x"} | ({"refresh": refresh} if refresh else {})
    return {"name": name, "title": name, "why": "w", "all": [query]} | more


def made(**changes: Any) -> ChecklistBook:
    """Return a book with three items and what makes their evidence."""
    items = {
        "CHK001": item("load", "bench.load", "load"),
        "CHK002": item("measure", "costs.measure", "measure"),
        "CHK003": item("costs", "costs.estimate", "costs"),
    }
    return book(items=items | changes, commands=COMMANDS)


def planned(*records: Record, chosen: ChecklistBook | None = None, **more: Any) -> RefreshPlan:
    """Return the plan for what these records leave open."""
    used = chosen or made()
    report = judge(used, records=records, present=Project(), now=NOW)
    return plan_refresh(used, report, records=records, took=more.pop("took", {}), **more)


def names(plan: RefreshPlan) -> list[str]:
    """Return the names of the commands in their order."""
    return [each.name for each in plan.commands]


class Machine:
    """Runs commands in no time of ours: each ends as it is told to (`Runner`), and keeps what was asked for."""

    def __init__(
        self, clock: FakeClock, codes: Mapping[str, int | None] | None = None, seconds: float = 10
    ) -> None:
        self.ran: list[str] = []
        self.limits: dict[str, float] = {}
        self.journals: list[RefreshJournal] = []
        self.events: list[Event] = []
        self._clock, self._codes, self._seconds = clock, codes or {}, seconds
        self.ways = Ways(runner=self, keep=self.journals.append, clock=clock, listener=self.events.append)

    def run(self, command: Planned, *, limit_seconds: float) -> Ran:
        """Let time pass."""
        self.ran.append(command.name)
        self.limits[command.name] = limit_seconds
        self._clock.sleep(self._seconds)
        return Ran(
            exit_code=self._codes.get(command.name, 0), seconds=self._seconds, log=f"{command.name}.log"
        )


def fresh() -> RefreshJournal:
    """Return a journal that has just begun."""
    return RefreshJournal(started_at=NOW, boot="boot", commit="c", book="b")


def test_every_command_runs_once_and_after_what_it_waits_for():
    """In the order of the book where nothing else is said."""
    assert names(planned()) == ["stack", "items", "load", "measure", "costs"]


def test_what_has_fresh_evidence_is_not_run_nor_what_only_prepares_it():
    """A load that counts still needs no catalogue."""
    load = record("bench.load", "x")

    assert names(planned(load)) == ["measure", "costs"]
    assert names(planned(load, record("costs.measure", "x"))) == ["costs"]


def test_what_failed_is_not_run_again():
    """Its evidence is fresh, and the same thing would fail again; what went stale is."""
    failed = record("bench.load", "x", verdict=Verdict.FAIL)
    old = record("costs.measure", "x", ago=9 * DAY)

    assert names(planned(failed, old)) == ["measure", "costs"]


def test_what_nobody_makes_is_told():
    """People and evidence without a command."""
    chosen = made(
        CHK003={"name": "s", "title": "s", "why": "w", "sign": {"roles": ["lead"]}},
        CHK004=item("training", "training.exercise", None),
    )

    assert planned(chosen=chosen).nobody == ("CHK003", "CHK004")


def test_what_is_waived_is_left_alone():
    """That is what a waiver is for."""
    chosen = made()
    waiver = signed(chosen, "ann", code="CHK002", kind="waive")

    assert "measure" not in names(planned(waiver, chosen=chosen))


def test_nothing_is_made_up_in_the_servers_of_others():
    """A generated catalogue has no place in a production database."""
    assert names(planned(is_embedded=False)) == ["stack", "load", "measure", "costs"]


def test_it_is_told_how_long_each_takes_and_who_says_so():
    """What was seen here, else what the records say, else the book."""
    old = record("bench.load", "x", ago=9 * DAY, seconds=44.0)
    plan = planned(old, took={"measure": 170.0})

    found = {each.name: (each.expected_seconds, each.source) for each in plan.commands}
    assert found == {
        "stack": (None, Source.NOBODY),
        "items": (30.0, Source.BOOK),
        "load": (44.0, Source.LEDGER),
        "measure": (170.0, Source.BEFORE),
        "costs": (None, Source.NOBODY),
    }
    assert plan.expected_seconds == 244.0


def test_a_failing_command_ends_only_what_waits_for_it():
    """And says where its output is."""
    machine = Machine(FakeClock(), {"items": 3})

    journal = run_refresh(planned(), fresh(), ways=machine.ways)

    assert machine.ran == ["stack", "items", "measure"]
    assert [(each.name, each.ending) for each in journal.done] == [
        ("stack", Ending.GOOD),
        ("items", Ending.FAILED),
        ("load", Ending.LEFT_OUT),
        ("measure", Ending.GOOD),
        ("costs", Ending.LEFT_OUT),
    ]
    said = [each.message for each in machine.events if isinstance(each, Noted)]
    assert "failed: exit code 3; its output: items.log" in said


@pytest.mark.parametrize(
    ("code", "goes_on"), [(0, True), (1, True), (5, True), (3, False), (None, False), (-9, False)]
)
def test_a_bad_verdict_is_an_answer(code: int | None, goes_on: bool):  # noqa: FBT001
    """A load that misses a gate has figures for the costs; one that could not start has none."""
    machine = Machine(FakeClock(), {"load": code})

    run_refresh(planned(), fresh(), ways=machine.ways)

    assert ("costs" in machine.ran) is goes_on


def test_what_prepares_has_to_go_well():
    """A catalogue that is bad is no ground to measure on."""
    machine = Machine(FakeClock(), {"items": 1})

    run_refresh(planned(), fresh(), ways=machine.ways)

    assert "load" not in machine.ran


def test_nothing_begins_that_would_not_end_in_time():
    """And what runs is ended with the time."""
    machine = Machine(FakeClock(), seconds=50)

    journal = run_refresh(planned(took={"load": 60.0}), fresh(), ways=machine.ways, within_seconds=140)

    assert machine.ran == ["stack", "items", "measure"]
    assert {name: round(limit) for name, limit in machine.limits.items()} == {
        "stack": 140,
        "items": 90,
        "measure": 40,
    }
    whys = {each.name: each.why for each in journal.done if each.ending is Ending.LEFT_OUT}
    assert whys == {"load": "it takes about 1 min 0 s, and 40 s are left", "costs": "`load` ended: left out"}


def test_each_command_has_its_own_limit():
    """Of the book."""
    machine = Machine(FakeClock())

    run_refresh(planned(), fresh(), ways=machine.ways)

    assert machine.limits["measure"] == 120


def test_killed_it_goes_on_where_it_was():
    """Whatever the moment: what had ended is not run again, everything else is."""
    whole = Machine(FakeClock())
    run_refresh(planned(), fresh(), ways=whole.ways)

    for kept in whole.journals:
        again = Machine(FakeClock())
        journal = run_refresh(planned(), from_text(to_text(kept)), ways=again.ways)
        before = [each.name for each in kept.done]
        assert [*before, *again.ran] == whole.ran
        assert [each.name for each in journal.done] == whole.ran


def test_a_refresh_goes_on_only_as_the_same_one():
    """Of the same commit, book and boot, lately, and not one that has come to its end."""
    killed = fresh()
    later = replace(killed, started_at=NOW + timedelta(hours=1))

    assert killed.is_gone_on_by(later)
    assert not replace(killed, is_over=True).is_gone_on_by(later)
    for change in ({"commit": "d"}, {"book": "d"}, {"boot": "d"}, {"started_at": NOW + timedelta(hours=7)}):
        assert not killed.is_gone_on_by(replace(later, **change))
    assert not killed.is_gone_on_by(replace(later, started_at=NOW - timedelta(hours=1)))


@pytest.mark.parametrize("text", ["", "{}", "[1]", "null", '{"version": 2}', "{" * 5000, "\x00"])
def test_what_is_no_journal_is_refused(text: str):
    """It is put aside then, and a refresh begins anew."""
    with pytest.raises(ValueError, match=r"."):
        from_text(text)
