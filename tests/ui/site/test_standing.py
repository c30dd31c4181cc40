"""How proofs and items stand: time, a broken ledger and newer evidence make them worse, and nothing makes them better."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ui.site.records import EXPECTED, NOW, Book, alert_proof, broken, checklist, item, proof

from opsctl.evidence.model import Verdict
from opsctl.ui.site.facts import Facts, ItemNow, JudgedNow
from opsctl.ui.site.headline import headline_of
from opsctl.ui.site.items import Item, items_of
from opsctl.ui.site.standing import State, age_text, standing_of
from opsctl.ui.site.stands import stands


@pytest.fixture
def book() -> Book:
    """Give an empty ledger."""
    return Book()


def states(book: Book, **changes) -> list[State]:
    """Return how the items of the newest checklist stand."""
    return [each.standing.state for each in items(book.facts(**changes))]


def items(facts: Facts) -> tuple[Item, ...]:
    """Return the items of the newest checklist."""
    newest = facts.survey.last("checklist.run")
    assert newest is not None
    return items_of(newest, facts)


@pytest.mark.parametrize(
    ("verdict", "days", "state"),
    [
        (Verdict.PASS, 1, State.PASS),
        (Verdict.FAIL, 1, State.FAIL),
        (Verdict.INCONCLUSIVE, 1, State.UNKNOWN),
        (Verdict.PASS, 31, State.STALE),
        (Verdict.INCONCLUSIVE, 31, State.STALE),
        (Verdict.FAIL, 31, State.FAIL),
        (Verdict.PASS, -1, State.UNKNOWN),
        (Verdict.FAIL, -1, State.FAIL),
    ],
)
def test_a_proof_stands_as_it_said_until_it_is_stale(book, verdict, days, state):
    """A failure stays one, however old it is; what is of the future, by a clock that was wrong, would never grow old."""
    record = book.add(proof("bench.load", verdict=verdict), days_ago=days)

    assert standing_of(record, book.facts()).state is state


def test_nothing_of_a_broken_ledger_passes(book):
    """Neither a proof nor an item nor the whole; what failed stays failed."""
    first, second = book.add(proof("bench.load")), book.add(proof("bench.load", "b", Verdict.FAIL))
    book.add(proof("bench.load", "c"))
    book.add(checklist(item("a", "pass", first), item("b", "waived"), item("c", "fail", second)))
    facts = broken(book.facts())

    assert standing_of(first, facts).state is State.DISTRUSTED
    assert standing_of(second, facts).state is State.FAIL
    assert [each.standing.state for each in items(facts)] == [State.DISTRUSTED, State.DISTRUSTED, State.FAIL]
    assert headline_of(facts).text == "Not ready: the evidence ledger is broken, so nothing counts as passed"


def test_all_that_passes_or_is_waived_makes_ready(book):
    """With how many of them rest on a simulation."""
    record = book.add(proof("experiments.analyze", simulated=("readers",)))
    book.add(checklist(item("a", "pass", record), item("b", "waived")))

    headline = headline_of(book.facts())

    assert headline.is_ready
    assert headline.text == "Ready: 1 passed, 1 waived of 2; 1 rests on a simulation"


@pytest.mark.parametrize("state", ["fail", "stale", "unknown", "nonsense", "", "PASS"])
def test_one_item_that_is_not_known_to_pass_keeps_it_from_being_ready(book, state):
    """Also a word that another version may have written."""
    book.add(checklist(item("a", "pass"), item("b", state)))

    assert not headline_of(book.facts()).is_ready


def test_no_checklist_and_an_empty_one_are_not_ready(book):
    """And say why."""
    assert headline_of(book.facts()).text == "Not ready: the checklist was never run"
    book.add(checklist())
    assert headline_of(book.facts()).text == "Not ready: the checklist has no items"


def test_a_checklist_that_did_not_pass_itself_is_not_made_ready_by_its_items(book):
    """Whoever wrote a failed record meant something by it."""
    book.add(checklist(item("a", "pass"), verdict=Verdict.FAIL))

    assert headline_of(book.facts()).text == "Not ready: the checklist itself did not pass"


def test_an_item_is_stale_when_its_time_is_over_or_the_checklists(book):
    """Evidence goes stale by itself, also when nobody runs the checklist again."""
    over = (NOW - timedelta(hours=1)).isoformat()
    book.add(checklist(item("a", "pass", expires_at=over), item("b", "waived", expires_at=over), item("c")))

    assert states(book) == [State.STALE, State.STALE, State.PASS]
    assert states(book, now=NOW + timedelta(days=31)) == [State.STALE] * 3
    assert not headline_of(book.facts(now=NOW + timedelta(days=31))).is_ready


def test_newer_evidence_that_says_otherwise_overtakes_an_item(book):
    """A green list is not shown green over a benchmark that has failed since."""
    record = book.add(proof("bench.load"))
    book.add(checklist(item("a", "pass", record)))
    assert states(book) == [State.PASS]

    book.add(proof("bench.load", verdict=Verdict.FAIL), days_ago=0.5)
    facts = book.facts()
    (overtaken,) = items(facts)

    assert overtaken.standing.state is State.STALE
    assert overtaken.reason == "newer evidence of bench.load feed says fail"


def test_newer_evidence_that_passes_too_changes_nothing(book):
    """Nor does that of another subject."""
    record = book.add(proof("bench.load"))
    book.add(checklist(item("a", "pass", record)))
    book.add(proof("bench.load"))
    book.add(proof("bench.load", "other", Verdict.FAIL))

    assert states(book) == [State.PASS]


@pytest.mark.parametrize(
    ("now", "state"),
    [
        (JudgedNow(items={"CHK001": ItemNow(state="pass")}), State.PASS),
        (JudgedNow(items={"CHK001": ItemNow(state="stale", reason="it is of commit abc")}), State.STALE),
        (JudgedNow(items={"CHK001": ItemNow(state="fail", reason="12, wanted > 50")}), State.FAIL),
        (JudgedNow(items={"CHK001": ItemNow(state="nonsense")}), State.UNKNOWN),
        (JudgedNow(items={}), State.STALE),
        (JudgedNow(trouble="there is no checklist"), State.UNKNOWN),
    ],
)
def test_an_item_that_no_longer_holds_for_the_project_as_it_is_does_not_pass(book, now, state):
    """Another commit, an edited book, a newer figure: the checklist's old word is not enough."""
    book.add(checklist(item("a", "pass")))

    assert states(book, judged_now=now) == [state]
    assert headline_of(book.facts(judged_now=now)).is_ready is (state is State.PASS)


def test_what_failed_then_is_not_made_better_by_what_holds_now(book):
    """The site shows what was recorded; a run of the checklist mends it."""
    book.add(checklist(item("a", "fail"), item("b", "waived"), verdict=Verdict.FAIL))

    assert states(book, judged_now=JudgedNow(items={"CHK001": ItemNow(state="pass")})) == [
        State.FAIL,
        State.WAIVED,
    ]


def test_an_item_that_was_added_since_keeps_the_site_from_ready(book):
    """Nobody has judged it."""
    book.add(checklist(item("a", "pass")))
    both = {"CHK001": ItemNow(state="pass"), "CHK002": ItemNow(state="pass")}

    text = headline_of(book.facts(judged_now=JudgedNow(items=both))).text

    assert text == "Not ready: 1 item was added to the checklist since it was run"


def test_an_item_whose_evidence_is_not_in_the_ledger_is_unknown(book):
    """Whoever copies a checklist from elsewhere has no proof."""
    book.add(checklist(item("a", "pass", evidence=["20260101T000000-00001"])))

    assert states(book) == [State.UNKNOWN]


@given(
    state=st.sampled_from(["pass", "waived", "fail", "stale", "unknown", "other"]),
    days=st.integers(0, 60),
    is_named=st.booleans(),
)
def test_an_item_never_stands_better_than_the_checklist_said(state, days, is_named):
    """Whatever time and evidence do."""
    book = Book()
    evidence = ["not-there"] if is_named else []
    book.add(checklist(item("a", state, evidence=evidence)))
    facts = book.facts(now=NOW + timedelta(days=days))
    (seen,) = items(facts)

    if seen.standing.counts:
        assert str(seen.standing.state) == state


def test_a_proof_of_an_older_rule_is_none_of_the_new_one(book):
    """Nor is one of a rule that is gone; where the books cannot be read, nobody can tell, and it stands as it said."""
    records = [
        book.add(alert_proof("VectorStoreDown")),
        book.add(alert_proof("OldRule")),
        book.add(alert_proof("Gone")),
    ]
    facts = book.facts(expected=EXPECTED)

    assert [stands(each, facts).word for each in records] == [
        "passed",
        "of an older rule",
        "no such rule now",
    ]
    assert [stands(each, book.facts()).word for each in records] == ["passed"] * 3


@pytest.mark.parametrize(
    ("seconds", "text"), [(-5, "< 1 min"), (59, "< 1 min"), (60, "1 min"), (7199, "1 h"), (172_799, "47 h"), (172_800, "2 d")]
)  # fmt: skip
def test_ages_are_told_in_the_largest_unit_that_says_enough(seconds, text):
    """A clock that went back makes no negative age."""
    assert age_text(NOW - timedelta(seconds=seconds), now=NOW) == text
