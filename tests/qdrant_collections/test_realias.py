"""Aliases that lead to nothing lead to their newest verified generation again, and no other alias is touched."""

from typing import Any

import pytest
from tests.qdrant_collections.conftest import ALIAS, BOOK, Workshop

from opsctl.clients.file_locks import FileLock
from opsctl.clients.qdrant_values import DropAlias
from opsctl.core.errors import FailedError, RefusedError
from opsctl.qdrant_collections.drift import find_drift
from opsctl.qdrant_collections.many import Results
from opsctl.qdrant_collections.model import CollectionsBook
from opsctl.qdrant_collections.options import RebuildOptions
from opsctl.qdrant_collections.provenance import KEY
from opsctl.qdrant_collections.realias import AliasFate, Realias, plan_realias, realias
from opsctl.qdrant_collections.rebuild import rebuild
from opsctl.qdrant_collections.rollback import plan_rollback
from opsctl.qdrant_collections.status import read_status

OTHER = "us_venues"


@pytest.fixture
def workshop(workshop: Workshop) -> Workshop:
    """Give a workshop whose book has two derived collections."""
    entry: dict[str, Any] = BOOK["derived"][ALIAS]
    other = entry | {"filter": {"region": "US", "category": "venue"}}
    workshop.book = CollectionsBook.model_validate(BOOK | {"derived": {ALIAS: entry, OTHER: other}})
    return workshop


def build(workshop: Workshop, alias: str) -> str:
    """Build one more generation, a minute after the last, and return its name."""
    workshop.clock.sleep(60)
    options = RebuildOptions(watch_seconds=0.0, queries=40)
    return rebuild(alias, book=workshop.book, here=workshop.here, options=options).generation


def lose(workshop: Workshop, *aliases: str) -> None:
    """Delete aliases, as a careless script does."""
    workshop.store.change_aliases([DropAlias(alias=alias) for alias in aliases])
    workshop.store.calls.clear()


def run(workshop: Workshop, *names: str) -> Results[Realias]:
    """Lead the aliases to their generations again."""
    return realias(names, book=workshop.book, here=workshop.here)


def fates(results: Results[Realias]) -> dict[str, AliasFate]:
    """Return what became of each alias."""
    return {report.alias: report.fate for report in results.reports}


def failed(results: Results[Realias]) -> dict[str, str]:
    """Return the code of each failure."""
    return {failure.alias: failure.error.code for failure in results.failures}


def change_notes(workshop: Workshop, generation: str, **changes: object) -> None:
    """Write something else into the notes of a generation."""
    workshop.store.configs[generation]["metadata"][KEY] |= changes


@pytest.mark.slow
def test_a_lost_alias_is_told_apart_from_a_lost_collection(workshop: Workshop) -> None:
    """The next step is to lead it back, which takes a moment; only what has no generation is built anew."""
    build(workshop, ALIAS)
    lose(workshop, ALIAS)

    told = {each.alias: each.trouble or "" for each in read_status(workshop.book, here=workshop.here)}

    assert "`opsctl collections realias`" in told[ALIAS]
    assert "`opsctl collections rebuild`" in told[OTHER]


@pytest.mark.slow
def test_all_lost_aliases_are_set_by_one_change_to_the_newest_generation(workshop: Workshop) -> None:
    """A reader never finds one of them there and the other not."""
    build(workshop, ALIAS)
    newest = {ALIAS: build(workshop, ALIAS), OTHER: build(workshop, OTHER)}
    lose(workshop, ALIAS, OTHER)

    results = run(workshop)

    assert (fates(results), results.failures) == ({ALIAS: AliasFate.SET, OTHER: AliasFate.SET}, ())
    assert workshop.store.alias_table == newest
    assert [call for call, _ in workshop.store.calls].count("change_aliases") == 1
    assert [report.points for report in results.reports] == [100, 200]


def test_a_plan_says_the_same_and_changes_nothing(workshop: Workshop) -> None:
    """`--dry-run` goes through the code that does it."""
    build(workshop, ALIAS)
    lose(workshop, ALIAS)

    plan = plan_realias([ALIAS], book=workshop.book, here=workshop.here)

    assert workshop.store.alias_table == {}
    assert plan == run(workshop, ALIAS)


@pytest.mark.slow
def test_an_alias_that_leads_somewhere_is_left_alone(workshop: Workshop) -> None:
    """Also where it leads to an older generation, or to what opsctl did not build."""
    older = build(workshop, ALIAS)
    build(workshop, ALIAS)
    workshop.store.alias_table = {ALIAS: older, OTHER: "content"}

    results = run(workshop)

    assert fates(results) == {ALIAS: AliasFate.LEFT_ALONE, OTHER: AliasFate.LEFT_ALONE}
    assert [report.collection for report in results.reports] == [older, "content"]
    assert workshop.store.alias_table == {ALIAS: older, OTHER: "content"}


@pytest.mark.slow
def test_a_newer_generation_that_is_not_verified_or_not_its_own_is_passed_over(workshop: Workshop) -> None:
    """One without notes, one under construction and a copy of another alias' never serve."""
    good = build(workshop, ALIAS)
    bare, unfinished, foreign = (build(workshop, ALIAS) for _ in range(3))
    workshop.store.configs[bare]["metadata"].clear()
    change_notes(workshop, unfinished, state="building")
    change_notes(workshop, foreign, alias=OTHER)
    lose(workshop, ALIAS)

    run(workshop, ALIAS)

    assert workshop.store.alias_table == {ALIAS: good}


@pytest.mark.slow
def test_one_without_a_verified_generation_is_reported_and_the_others_are_set(workshop: Workshop) -> None:
    """The failure names each generation with the reason against it, and the rebuild that helps."""
    good, failed_one = build(workshop, ALIAS), build(workshop, OTHER)
    change_notes(workshop, failed_one, state="failed")
    lose(workshop, ALIAS, OTHER)

    results = run(workshop)

    (failure,) = results.failures
    assert isinstance(failure.error, FailedError)
    assert failed(results) == {OTHER: "COL031"}
    assert failure.error.why == f"`{failed_one}` is failed"
    assert failure.error.fix == f"run `opsctl collections rebuild {OTHER}`"
    assert workshop.store.alias_table == {ALIAS: good}


@pytest.mark.slow
def test_a_collection_that_is_itself_called_like_the_alias_is_refused(workshop: Workshop) -> None:
    """Somebody's collection is never touched, and the other alias is set."""
    build(workshop, ALIAS)
    good = build(workshop, OTHER)
    lose(workshop, ALIAS, OTHER)
    workshop.store.create_collection(ALIAS, {"vectors": {"size": 8, "distance": "Cosine"}})

    results = run(workshop)

    assert failed(results) == {ALIAS: "COL011"}
    assert workshop.store.alias_table == {OTHER: good}


@pytest.mark.slow
def test_an_alias_that_somebody_works_on_is_refused_and_the_others_are_set(workshop: Workshop) -> None:
    """A rebuild that is about to swap is not disturbed."""
    build(workshop, ALIAS)
    good = build(workshop, OTHER)
    lose(workshop, ALIAS, OTHER)

    with FileLock(workshop.here.checkpoints.lock_path(ALIAS), what="rebuilding"):
        results = run(workshop)

    assert (list(failed(results)), fates(results)) == ([ALIAS], {OTHER: AliasFate.SET})
    assert workshop.store.alias_table == {OTHER: good}


@pytest.mark.slow
def test_an_alias_that_is_set_meanwhile_is_not_moved(workshop: Workshop) -> None:
    """Between the plan and the change another machine may have helped itself."""
    older = build(workshop, ALIAS)
    build(workshop, ALIAS)
    lose(workshop, ALIAS)

    def help_itself(method: str, _name: str) -> None:
        if method == "count":
            workshop.store.alias_table[ALIAS] = older

    workshop.store.hooks.append(help_itself)
    results = run(workshop, ALIAS)

    assert fates(results) == {ALIAS: AliasFate.LEFT_ALONE}
    assert workshop.store.alias_table == {ALIAS: older}


def test_an_alias_that_is_moved_right_after_is_told(workshop: Workshop) -> None:
    """Nobody is told that it leads where it does not."""
    build(workshop, ALIAS)
    lose(workshop, ALIAS)

    def move(method: str, _name: str) -> None:
        if method == "aliases" and ("change_aliases", "") in workshop.store.calls:
            workshop.store.alias_table[ALIAS] = "content"

    workshop.store.hooks.append(move)
    results = run(workshop, ALIAS)

    assert (results.reports, failed(results)) == ((), {ALIAS: "COL023"})


def test_what_the_book_lets_be_absent_and_was_never_built_is_no_failure(workshop: Workshop) -> None:
    """Unless it is named: then it is meant."""
    entry = BOOK["derived"][ALIAS] | {"when_empty": "skip"}
    workshop.book = CollectionsBook.model_validate(BOOK | {"derived": {ALIAS: entry}})

    assert fates(run(workshop)) == {ALIAS: AliasFate.ABSENT}
    assert failed(run(workshop, ALIAS)) == {ALIAS: "COL031"}


def test_rollback_and_drift_offer_it_only_where_it_helps(workshop: Workshop) -> None:
    """Where no verified generation is left, a rebuild is the only way."""
    with pytest.raises(RefusedError) as hopeless:
        find_drift(ALIAS, book=workshop.book, here=workshop.here, repair=False)
    generation = build(workshop, ALIAS)
    lose(workshop, ALIAS)
    with pytest.raises(RefusedError) as drift:
        find_drift(ALIAS, book=workshop.book, here=workshop.here, repair=True)
    with pytest.raises(RefusedError) as rollback:
        plan_rollback(ALIAS, here=workshop.here)

    assert hopeless.value.fix == f"run `opsctl collections rebuild {ALIAS}`"
    for refusal in (drift.value, rollback.value):
        assert (refusal.code, f"`opsctl collections realias {ALIAS}`" in str(refusal.fix)) == ("COL025", True)
        assert generation in str(refusal.why)
