"""States of items: evidence, signatures and waivers together."""

import pytest
from tests.checklist.making import COMMIT, DAY, HOUR, NOW, Project, book, book_of, record, signed

from opsctl.checklist.book import ChecklistBook
from opsctl.checklist.judging import judge
from opsctl.checklist.model import Judged, State
from opsctl.core.exit_codes import ExitCode
from opsctl.evidence.model import Record, Verdict

LOAD, OTHER = {"kind": "bench.load", "subject": "a"}, {"kind": "bench.load", "subject": "b"}
GOOD_A, GOOD_B = record("bench.load", "a"), record("bench.load", "b")
BAD_A, BAD_B = (
    record("bench.load", "a", verdict=Verdict.FAIL),
    record("bench.load", "b", verdict=Verdict.FAIL),
)
OLD_A = record("bench.load", "a", ago=9 * DAY)


def judged(chosen: ChecklistBook, *records: Record, project: Project | None = None) -> Judged:
    """Return the one item of a book."""
    return judge(chosen, records=records, present=project or Project(), now=NOW).items[0]


@pytest.mark.parametrize(
    ("records", "all_of", "any_of"),
    [
        ((GOOD_A, GOOD_B), State.PASS, State.PASS),
        ((GOOD_A,), State.UNKNOWN, State.PASS),
        ((GOOD_A, BAD_B), State.FAIL, State.PASS),
        ((OLD_A, GOOD_B), State.STALE, State.PASS),
        ((OLD_A, BAD_B), State.FAIL, State.STALE),
        ((OLD_A,), State.STALE, State.STALE),
        ((BAD_A,), State.FAIL, State.UNKNOWN),
        ((BAD_A, BAD_B), State.FAIL, State.FAIL),
        ((), State.UNKNOWN, State.UNKNOWN),
    ],
)
def test_all_takes_the_worst_and_any_fails_only_where_all_failed(
    records: tuple[Record, ...], all_of: State, any_of: State
):
    """Three-valued logic: what is not known may still become a pass, or a failure."""
    assert judged(book_of(all=[LOAD, OTHER]), *records).state is all_of
    assert judged(book_of(any=[LOAD, OTHER]), *records).state is any_of


def test_a_signature_does_not_stand_for_a_measurement():
    """Nor the other way round."""
    chosen = book_of(all=[LOAD], sign={"roles": ["lead"]})

    assert judged(chosen, signed(chosen, "ann")).state is State.UNKNOWN
    assert judged(chosen, GOOD_A).state is State.UNKNOWN
    assert "a signature is missing, of lead" in judged(chosen, GOOD_A).reason
    assert judged(chosen, GOOD_A, signed(chosen, "ann")).state is State.PASS
    assert judged(chosen, BAD_A, signed(chosen, "ann")).state is State.FAIL


def test_two_signatures_are_of_two_people():
    """The same one twice is one."""
    chosen = book_of(sign={"roles": ["lead"], "signatures": 2})
    twice = (signed(chosen, "ann", sequence=2), signed(chosen, "ann"))

    assert judged(chosen, *twice).state is State.UNKNOWN
    assert judged(chosen, signed(chosen, "bob"), *twice).state is State.PASS


def test_two_accounts_of_one_person_sign_once():
    """The rule of two persons is not met by changing hats; where nobody else could sign, the book is refused."""
    sign = {"roles": ["lead", "operations"], "signatures": 2}
    items = {"CHK001": {"name": "load", "title": "The load holds", "why": "Readers.", "sign": sign}}
    hats = {"ann": {"name": "Ann", "role": "lead"}, "ann2": {"name": "ANN", "role": "operations"}}
    chosen = book(items=items, accounts=hats | {"bob": {"name": "Bob", "role": "lead"}})
    second = {"account": "ann2", "name": "ANN", "note": "", "user": "ann2", "host": "desk"}
    alone = (signed(chosen, "ann"), signed(chosen, "ann2", figures=second))

    assert judged(chosen, *alone).state is State.UNKNOWN
    assert judged(chosen, *alone, signed(chosen, "bob")).state is State.PASS
    with pytest.raises(ValueError, match="1 of the people with an account can give one"):
        book(items=items, accounts=hats)


def test_two_names_of_one_user_of_a_machine_are_not_known_to_be_two_people():
    """A name on a command line is no password: unknown, and said so; a second user makes it two."""
    people = {"lead": {"name": "Ann", "role": "lead"}, "ops": {"name": "Bob", "role": "lead"}}
    sign = {"roles": ["lead"], "signatures": 2}
    items = {"CHK001": {"name": "load", "title": "The load holds", "why": "Readers.", "sign": sign}}
    chosen = book(items=items, accounts=people)

    def by(account: str, name: str, user: str) -> Record:
        figures = {"account": account, "name": name, "note": "", "user": user, "host": "desk"}
        return signed(chosen, account, figures=figures)

    alone = judged(chosen, by("lead", "Ann", "root"), by("ops", "Bob", "root"))
    apart = judged(chosen, by("lead", "Ann", "ann"), by("ops", "Bob", "bob"))

    assert (alone.state, apart.state) == (State.UNKNOWN, State.PASS)
    assert "different people: all signed as root@desk" in alone.reason
    assert alone.next_command == "opsctl explain CHK001"


def test_whoever_has_signed_is_not_asked_again():
    """What to type next names somebody whose word is missing."""
    chosen = book_of(sign={"roles": ["lead"], "signatures": 2})

    assert judged(chosen, signed(chosen, "ann")).next_command == "opsctl checklist sign load --as bob"


def test_an_account_that_was_handed_on_takes_no_word_along():
    """Neither a signature nor a waiver is of whoever has the name on the command line now."""
    people = {"ann": {"name": "Eve", "role": "lead"}}
    item = {"name": "load", "title": "The load holds", "why": "Readers.", "sign": {"roles": ["lead"]}}
    chosen = book(items={"CHK001": item}, accounts=people)

    found = judged(chosen, signed(chosen, "ann"), signed(chosen, "ann", kind="waive"))

    assert found.state is State.STALE
    assert "the account `ann` is Eve now" in found.reason
    assert "the waiver of `ann` does not count: the account is Eve now" in found.reason


def test_a_signature_ends():
    """By its own expiry, by the book's, by another commit, by another text, and with its account."""
    chosen = book_of(sign={"roles": ["lead"], "expires": "30d"})
    long = 365 * DAY

    assert judged(chosen, signed(chosen, "ann", valid_for=DAY, ago=2 * DAY)).state is State.STALE
    assert judged(chosen, signed(chosen, "ann", valid_for=long, ago=31 * DAY)).state is State.STALE
    assert judged(chosen, signed(chosen, "ann", commit="b" * 40)).state is State.STALE
    assert judged(chosen, signed(chosen, "ann"), project=Project(commit=None)).state is State.STALE
    assert (
        judged(book_of(title="Other", sign={"roles": ["lead"]}), signed(chosen, "ann")).state is State.STALE
    )
    assert judged(chosen, signed(chosen, "cyd")).state is State.STALE
    assert judged(chosen, signed(chosen, "dan")).state is State.STALE
    assert judged(chosen, signed(chosen, "ann", valid_for=long, ago=29 * DAY)).state is State.PASS


def test_a_signature_may_outlive_its_commit_where_the_item_says_so():
    """That people were trained has nothing to do with a commit."""
    chosen = book_of(sign={"roles": ["lead"], "same_commit": False})

    assert judged(chosen, signed(chosen, "ann", commit=None)).state is State.PASS


def test_a_waiver_is_shown_with_what_it_hides():
    """It never makes a pass."""
    chosen = book_of(all=[LOAD])

    found = judged(chosen, BAD_A, signed(chosen, "ann", kind="waive", valid_for=30 * DAY))

    assert (found.state, found.beneath) == (State.WAIVED, State.FAIL)
    assert found.waiver is not None
    assert (found.waiver.account, found.waiver.reason) == ("ann", "later")
    assert found.expires_at == NOW - HOUR + 30 * DAY


def test_a_waiver_ends():
    """By its time, by the longest time of the book, by another text, and where its account may not waive."""
    chosen = book_of(all=[LOAD])

    for waiver in (
        signed(chosen, "ann", kind="waive", valid_for=DAY, ago=2 * DAY),
        signed(chosen, "ann", kind="waive", ago=91 * DAY, valid_for=3650 * DAY),
        signed(chosen, "cyd", kind="waive"),
        signed(book_of(title="Other", all=[LOAD]), "ann", kind="waive"),
    ):
        found = judged(chosen, BAD_A, waiver)
        assert (found.state, found.waiver) == (State.FAIL, None)
        assert "waiver" in found.reason


def test_a_word_of_the_future_does_not_count():
    """A clock that ran ahead would let a signature, or a waiver, hold for as long as it was wrong."""
    people, measured = book_of(sign={"roles": ["lead"]}), book_of(all=[LOAD])

    sealed = judged(people, signed(people, "ann", ago=-400 * DAY))
    set_aside = judged(measured, BAD_A, signed(measured, "ann", kind="waive", ago=-400 * DAY))
    a_little = judged(people, signed(people, "ann", ago=-HOUR / 60))

    assert sealed.state is State.STALE
    assert "it was given in the future: a clock is wrong" in sealed.reason
    assert (set_aside.state, set_aside.waiver) == (State.FAIL, None)
    assert "given in the future" in set_aside.reason
    assert a_little.state is State.PASS


def test_a_word_that_was_withdrawn_counts_no_more():
    """Also long after the withdrawal; a new word counts again."""
    people, measured = book_of(sign={"roles": ["lead"]}), book_of(all=[LOAD])
    taken_back = {"account": "ann", "name": "Ann", "note": "a slip", "reason": "done", "withdrawn": True}
    unsigned = signed(people, "ann", figures=taken_back, valid_for=DAY / 100)
    unwaived = signed(measured, "bob", kind="waive", figures=taken_back | {"account": "bob", "name": "Bob"})

    sealed = judged(people, unsigned, signed(people, "ann", ago=2 * HOUR))
    set_aside = judged(measured, BAD_A, unwaived, signed(measured, "ann", kind="waive", ago=2 * HOUR))

    assert sealed.state is State.STALE
    assert "it was withdrawn: a slip" in sealed.reason
    assert (set_aside.state, set_aside.waiver) == (State.FAIL, None)
    assert "the waiver was withdrawn by `bob`: done" in set_aside.reason
    assert judged(people, signed(people, "ann"), unsigned).state is State.PASS


def test_a_waiver_of_what_passes_is_not_needed():
    """So the item passes."""
    chosen = book_of(all=[LOAD])

    assert judged(chosen, GOOD_A, signed(chosen, "ann", kind="waive")).state is State.PASS


@pytest.mark.parametrize(
    ("records", "code"),
    [
        ((GOOD_A, GOOD_B), ExitCode.GOOD),
        ((GOOD_A,), ExitCode.INCONCLUSIVE),
        ((GOOD_A, BAD_B), ExitCode.BAD_VERDICT),
        ((OLD_A, GOOD_B), ExitCode.BAD_VERDICT),
        ((), ExitCode.INCONCLUSIVE),
    ],
)
def test_the_exit_code_is_that_of_the_worst(records: tuple[Record, ...], code: ExitCode):
    """0 only where nothing failed, went stale or is unknown."""
    chosen = book(
        items={
            "CHK001": {"name": "a", "title": "A", "why": "w", "all": [LOAD]},
            "CHK002": {"name": "b", "title": "B", "why": "w", "all": [OTHER]},
        }
    )

    assert judge(chosen, records=records, present=Project(), now=NOW).exit_code is code


def test_a_list_without_an_item_is_no_pass():
    """Such as after a slip with --only."""
    found = judge(book_of(all=[LOAD]), records=(), present=Project(), now=NOW, only=frozenset({"CHK099"}))

    assert found.exit_code is ExitCode.INCONCLUSIVE


def test_what_was_simulated_is_told():
    """Also of an item that passes."""
    found = judged(book_of(all=[LOAD]), record("bench.load", "a", simulated=("readers",)))

    assert (found.state, found.simulated) == (State.PASS, ("readers",))


def test_the_next_command_is_the_one_that_helps():
    """What makes the evidence; then a signature; of a failure, the record."""
    commands = {"load": {"run": ["bench", "load", "a b"]}}
    item = {
        "name": "a",
        "title": "A",
        "why": "w",
        "all": [LOAD | {"refresh": "load"}],
        "sign": {"roles": ["lead"]},
    }
    chosen = book(items={"CHK001": item}, commands=commands)

    assert judged(chosen).next_command == "opsctl bench load 'a b'"
    assert judged(chosen, GOOD_A).next_command == "opsctl checklist sign a --as ann"
    assert judged(chosen, GOOD_A, signed(chosen, "ann")).next_command == ""
    assert judged(book_of(all=[LOAD]), BAD_A).next_command == "opsctl evidence show 1"


def test_a_state_ends_with_the_first_of_its_proofs():
    """And with the signature that ends last of those that are needed."""
    chosen = book_of(all=[LOAD | {"max_age": "2d"}, OTHER], sign={"roles": ["lead"]})
    people = (signed(chosen, "ann", valid_for=DAY), signed(chosen, "bob", valid_for=90 * DAY))

    assert judged(chosen, GOOD_A, GOOD_B, *people).expires_at == NOW - HOUR + 2 * DAY
    assert COMMIT in {each.git_commit for each in judged(chosen, GOOD_A, GOOD_B, *people).evidence}
