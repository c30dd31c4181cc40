"""What the ledger says to one query: pass, fail, stale or unknown, each with its reason."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.checklist.making import COMMIT, DAY, HOUR, NOW, Project, record

from opsctl.checklist.answering import Newest, answers
from opsctl.checklist.book_query import Query
from opsctl.checklist.model import Answer, State
from opsctl.evidence.model import Record, Verdict

P99 = {"kind": "bench.load", "subject": "standard", "figure": "p99", "below": 500, "unit": "ms"}


def ask(query: dict[str, Any], *records: Record, project: Project | None = None) -> Answer:
    """Return the one answer to a query."""
    (answer,) = answers(
        Query.model_validate(query), newest=Newest(records), present=project or Project(), now=NOW
    )
    return answer


def load(**values: Any) -> Record:
    """Return a record of a load."""
    return record("bench.load", "standard", **({"figures": {"p99": 116.0}} | values))


def test_a_figure_within_its_bound_passes():
    """And says nothing more."""
    answer = ask(P99, load())

    assert (answer.state, answer.number, answer.reason) == (State.PASS, 116.0, "")


def test_a_figure_beyond_its_bound_is_told_beside_it():
    """The honest figure, not only that it was missed."""
    answer = ask(P99, load(figures={"p99": 612}))

    assert (answer.state, answer.reason) == (State.FAIL, "612 ms, wanted < 500 ms")


def test_what_was_never_measured_is_unknown():
    """Never a pass, and never a failure."""
    assert ask(P99).state is State.UNKNOWN
    assert ask(P99, record("bench.load", "quick")).state is State.UNKNOWN
    assert ask({"kind": "bench.load"}).state is State.UNKNOWN


@pytest.mark.parametrize("figures", [{}, {"p99": None}, {"p99": "116"}, {"p99": True}, {"p99": float("inf")}])
def test_a_record_without_the_number_is_unknown(figures: dict[str, Any]):
    """Text, yes and no, and infinity are no measurements."""
    assert ask(P99, load(figures=figures)).state is State.UNKNOWN


def test_a_record_that_could_not_tell_is_unknown_whatever_its_figures():
    """Also where the older record before it passed: the newest one counts."""
    doubtful = load(sequence=2, verdict=Verdict.INCONCLUSIVE, figures={"p99": 1.0, "reasons": "noise"})

    answer = ask(P99 | {"verdict": "any"}, doubtful, load())

    assert (answer.state, answer.reason) == (State.UNKNOWN, "the newest record could not tell: noise")


def test_a_bad_verdict_fails_unless_only_the_figure_counts():
    """A load that missed another gate has a p99 all the same."""
    missed = load(verdict=Verdict.FAIL)

    assert ask(P99, missed).state is State.FAIL
    assert ask(P99 | {"verdict": "any"}, missed).state is State.PASS


def test_evidence_ends_at_its_own_expiry_and_at_the_age_of_the_query():
    """Whichever comes first."""
    old = load(ago=3 * DAY)

    assert ask(P99, old).state is State.PASS
    assert ask(P99 | {"max_age": "2d"}, old).state is State.STALE
    assert ask(P99, load(ago=8 * DAY)).state is State.STALE
    assert ask(P99, load(ago=7 * DAY)).state is State.STALE
    assert "it was 612 ms" in ask(P99, load(ago=8 * DAY, figures={"p99": 612})).reason
    failed = ask({"kind": "bench.load", "subject": "standard"}, load(ago=8 * DAY, verdict=Verdict.FAIL))
    assert failed.reason.endswith("ago; its verdict is fail")


def test_where_there_are_only_records_of_others_they_are_named():
    """Whoever has just measured something else sees at once why it does not count."""
    quick = record("bench.load", "quick", figures={"p99": 1.0})

    assert ask(P99, quick).reason == "there is no record `bench.load` of `standard`, only of `quick`"
    assert ask(P99).reason == "there is no record `bench.load` of `standard`"


def test_a_record_of_tomorrow_is_not_believed():
    """A clock that went ahead would make evidence count for longer."""
    assert ask(P99, load(ago=-DAY)).state is State.UNKNOWN


def test_evidence_of_another_commit_is_stale():
    """Where the query wants the same one."""
    query = P99 | {"same_commit": True}

    assert ask(query, load()).state is State.PASS
    assert ask(query, load(commit="b" * 40)).state is State.STALE
    assert ask(query, load(), project=Project(commit=f"{COMMIT}+changes")).state is State.STALE
    assert ask(query, load(commit=None)).state is State.STALE
    assert ask(query, load(), project=Project(commit=None)).state is State.UNKNOWN


def test_evidence_goes_stale_with_the_files_that_it_is_of():
    """A change anywhere else leaves it."""
    query = P99 | {"unchanged": ["src/service", "ops/cache.yaml"]}
    here = {"commit": "b" * 40}

    assert ask(query, load(**here), project=Project(changed=["docs/a.md"])).state is State.PASS
    answer = ask(query, load(**here), project=Project(changed=["src/service/a.py", "ops/cache.yaml"]))
    assert (answer.state, answer.reason) == (
        State.STALE,
        "`src/service/a.py`, `ops/cache.yaml` changed since",
    )
    assert ask(query, load(commit=f"{COMMIT}+changes")).state is State.STALE
    assert ask(query, load(), project=Project(changed=None)).state is State.UNKNOWN
    # that nobody can tell whether it still holds makes no failure better
    assert ask(query, load(figures={"p99": 612}), project=Project(commit=None)).state is State.FAIL


def test_evidence_of_a_book_that_has_changed_is_stale():
    """By the digest that the record names, held against that of the file now."""
    query = P99 | {"inputs": ["book"]}
    now = Project(digests={("bench.load", "standard", "book"): "x"})

    assert ask(query, load(inputs={"book": "x"}), project=now).state is State.PASS
    assert ask(query, load(inputs={"book": "y"}), project=now).state is State.STALE
    assert ask(query, load(), project=now).state is State.STALE
    assert ask(query, load(inputs={"book": "x"})).state is State.UNKNOWN
    part = ask(query, load(inputs={"book": "x not run to its end"}), project=now)
    assert (part.state, part.reason) == (State.STALE, "its `book` was not run to its end")


def test_each_named_subject_is_answered():
    """In the order in which they stand."""
    query = Query.model_validate({"kind": "chaos.drill", "subjects": ["a", "b"]})

    found = answers(query, newest=Newest([record("chaos.drill", "b")]), present=Project(), now=NOW)

    assert [(each.subject, each.state) for each in found] == [("a", State.UNKNOWN), ("b", State.PASS)]


def test_without_a_subject_the_best_of_the_newest_of_each_counts():
    """One experiment that failed does not keep another from having been analysed."""
    bad = record("experiments.analyze", "a", sequence=2, verdict=Verdict.FAIL)

    assert ask({"kind": "experiments.analyze"}, bad).state is State.FAIL
    assert ask({"kind": "experiments.analyze"}, bad, record("experiments.analyze", "b")).subject == "b"
    # the newest of `a` failed, and an older pass of it does not come back
    assert ask({"kind": "experiments.analyze"}, bad, record("experiments.analyze", "a")).state is State.FAIL


@given(
    verdict=st.sampled_from(Verdict),
    age_hours=st.floats(0, 400),
    number=st.one_of(st.none(), st.floats(allow_nan=True), st.text(max_size=3)),
    commit=st.sampled_from([None, COMMIT, "b" * 40, f"{COMMIT}+changes"]),
    digest=st.sampled_from([None, "x", "y"]),
)
def test_only_what_counts_now_and_is_good_ever_passes(
    verdict: Verdict, age_hours: float, number: object, commit: str | None, digest: str | None
):
    """Whatever a record holds: every other combination is something else."""
    query = P99 | {"same_commit": True, "inputs": ["book"], "max_age": "2d"}
    found = load(
        verdict=verdict,
        ago=age_hours * HOUR,
        figures={"p99": number},
        commit=commit,
        inputs={} if digest is None else {"book": digest},
    )

    answer = ask(query, found, project=Project(digests={("bench.load", "standard", "book"): "x"}))

    is_good = (
        verdict is Verdict.PASS
        and age_hours < 48
        and isinstance(number, float)
        and float("-inf") < number < 500
        and commit == COMMIT
        and digest == "x"
    )
    assert (answer.state is State.PASS) == is_good
    assert bool(answer.reason) != is_good
