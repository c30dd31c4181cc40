"""Status, verify, rollback, garbage and drift tell the truth and touch only what they should."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.qdrant_collections.conftest import ALIAS, Workshop, make_points

from opsctl.core.errors import RefusedError, UsageError
from opsctl.qdrant_collections.drift import find_drift
from opsctl.qdrant_collections.garbage import Standing, collect_garbage, judge_generations, plan_garbage
from opsctl.qdrant_collections.many import chosen_names
from opsctl.qdrant_collections.names import generation_name, generations_of, parse_generation
from opsctl.qdrant_collections.prove import verify_live
from opsctl.qdrant_collections.rollback import plan_rollback, require_yes, roll_back
from opsctl.qdrant_collections.status import read_status


def test_status_before_the_first_rebuild_says_that_nothing_serves(workshop: Workshop) -> None:
    """A derived collection that was never built is in trouble."""
    (status,) = read_status(workshop.book, here=workshop.here)

    assert (status.live, status.ok, status.generations) == (None, False, ())


@pytest.mark.slow
def test_status_counts_staleness_from_the_last_synchronisation(workshop: Workshop) -> None:
    """A copy older than its budget is in trouble, and the generation before is offered for a rollback."""
    first = workshop.rebuild()
    workshop.clock.sleep(60)
    second = workshop.rebuild()
    (fresh,) = read_status(workshop.book, here=workshop.here)
    workshop.clock.sleep(3600)
    (stale,) = read_status(workshop.book, here=workshop.here)

    assert (fresh.ok, fresh.live, fresh.rollback_to) == (True, second.generation, first.generation)
    assert [each.is_live for each in fresh.generations] == [True, False]
    assert not stale.ok
    assert stale.staleness_seconds is not None
    assert stale.staleness_seconds >= 3600


@pytest.mark.slow
def test_verify_passes_what_serves_and_finds_later_damage(workshop: Workshop) -> None:
    """The live generation is verified by the same checks as a new one."""
    report = workshop.rebuild()
    good = verify_live(ALIAS, book=workshop.book, here=workshop.here, queries=40)
    del workshop.store.points[report.generation][6]
    bad = verify_live(ALIAS, book=workshop.book, here=workshop.here, queries=40)

    assert good.ok
    assert {"counts", "digest"} <= {check.name for check in bad.failed}


@pytest.mark.slow
def test_a_rollback_swaps_to_the_generation_before(workshop: Workshop) -> None:
    """One atomic swap, and status offers nothing older any more."""
    first = workshop.rebuild()
    workshop.clock.sleep(60)
    second = workshop.rebuild()

    plan = roll_back(ALIAS, here=workshop.here)

    assert (plan.live, plan.target) == (second.generation, first.generation)
    assert workshop.store.alias_table == {ALIAS: first.generation}
    with pytest.raises(RefusedError) as refusal:
        plan_rollback(ALIAS, here=workshop.here)
    assert refusal.value.code == "COL025"


@pytest.mark.slow
def test_a_rollback_never_leads_to_a_failed_generation(workshop: Workshop) -> None:
    """Only verified generations can be rolled back to."""
    workshop.store.blind.add(generation_name(ALIAS, moment=workshop.clock.now()))
    failed = workshop.rebuild()
    workshop.clock.sleep(60)
    workshop.rebuild()

    with pytest.raises(RefusedError):
        plan_rollback(ALIAS, here=workshop.here)
    assert not failed.ok


@pytest.mark.slow
def test_a_rollback_wants_a_yes(workshop: Workshop) -> None:
    """Without it nothing happens, and the message says what would."""
    workshop.rebuild()
    workshop.clock.sleep(60)
    second = workshop.rebuild()
    plan = plan_rollback(ALIAS, here=workshop.here)

    with pytest.raises(RefusedError) as refusal:
        require_yes(plan, yes=False)

    assert plan.target in (refusal.value.why or "")
    assert workshop.store.alias_table == {ALIAS: second.generation}


@pytest.mark.slow
def test_a_rollback_loses_a_race_gracefully(workshop: Workshop) -> None:
    """An alias that moves between the look and the swap is not moved again."""
    workshop.rebuild()
    workshop.clock.sleep(60)
    workshop.rebuild()
    looks = 0

    def move(method: str, _name: str) -> None:
        nonlocal looks
        looks += method == "aliases"
        if looks == 2:
            workshop.store.alias_table[ALIAS] = "content"

    workshop.store.hooks.append(move)
    with pytest.raises(RefusedError) as refusal:
        roll_back(ALIAS, here=workshop.here)

    assert refusal.value.code == "COL023"
    assert workshop.store.alias_table[ALIAS] == "content"


@pytest.mark.slow
def test_garbage_keeps_the_live_one_and_one_to_roll_back_to(workshop: Workshop) -> None:
    """Old generations beyond the number kept go, once they are old enough."""
    reports = []
    for _round in range(4):
        reports.append(workshop.rebuild())
        workshop.clock.sleep(3600)

    fates = collect_garbage(ALIAS, derived=workshop.book.derived[ALIAS], here=workshop.here)

    left = sorted(name for name in workshop.store.points if "__g" in name)
    assert left == [reports[2].generation, reports[3].generation]
    assert all(fate.is_kept for fate in fates)
    assert len(workshop.here.checkpoints.all(ALIAS)) == 2


@pytest.mark.slow
def test_young_garbage_is_left_alone(workshop: Workshop) -> None:
    """The minimum age protects what somebody may still look at."""
    for _round in range(4):
        workshop.rebuild()
        workshop.clock.sleep(10)

    assert len([name for name in workshop.store.points if "__g" in name]) == 4


@pytest.mark.slow
def test_garbage_never_takes_the_live_one_even_when_it_is_the_oldest(workshop: Workshop) -> None:
    """After a rollback the live generation is older than others; it stays."""
    workshop.change_book(generations_kept=1, minimum_age="1h")
    first = workshop.rebuild()
    workshop.clock.sleep(60)
    workshop.rebuild()
    roll_back(ALIAS, here=workshop.here)
    workshop.clock.sleep(7200)

    collect_garbage(ALIAS, derived=workshop.book.derived[ALIAS], here=workshop.here)

    assert first.generation in workshop.store.points
    assert workshop.store.alias_table == {ALIAS: first.generation}


def test_a_generation_under_construction_is_no_garbage(workshop: Workshop) -> None:
    """An interrupted rebuild can still be gone on with, however old it is."""

    def crash(event: object) -> None:
        if getattr(event, "phase", None) == "delta":
            raise ZeroDivisionError

    workshop.listener = crash
    with pytest.raises(ZeroDivisionError):
        workshop.rebuild()
    workshop.listener = None
    workshop.clock.sleep(86400)

    (fate,) = plan_garbage(ALIAS, derived=workshop.book.derived[ALIAS], here=workshop.here)

    assert (fate.is_kept, fate.reason) == (True, "it is being built")


def test_failed_generations_do_not_push_out_good_ones() -> None:
    """Only good generations count towards those kept."""
    now = datetime(2026, 11, 22, tzinfo=UTC)
    names = [generation_name("a", moment=now - timedelta(hours=hours)) for hours in (1, 2, 3, 4, 5)]
    fates = judge_generations(
        generations_of("a", collections=names),
        standing=Standing(aliased=frozenset({names[1]}), bad=frozenset({names[0], names[2]})),
        keep=2,
        minimum_age=timedelta(minutes=10),
        now=now,
    )

    assert [(fate.is_kept, fate.reason) for fate in fates] == [
        (False, "failed"),
        (True, "an alias leads to it"),
        (False, "failed"),
        (True, "kept for a rollback"),
        (False, "old"),
    ]


def test_drift_is_found_and_repaired_by_the_difference_only(workshop: Workshop) -> None:
    """Missing, changed and superfluous points are counted; a repair writes just those."""
    report = workshop.rebuild()
    store = workshop.store
    store.upsert("content", make_points(1, first=6000))
    store.points["content"][6]["payload"]["title"] = "new title"
    store.points["content"][12]["payload"]["quality"] = 0.1
    found = find_drift(ALIAS, book=workshop.book, here=workshop.here, repair=False)
    workshop.clock.sleep(60)
    repaired = find_drift(ALIAS, book=workshop.book, here=workshop.here, repair=True)
    level = find_drift(ALIAS, book=workshop.book, here=workshop.here, repair=False)

    assert (found.missing, found.changed, found.extra, found.ok) == (1, 1, 1, False)
    assert (repaired.written, repaired.deleted, repaired.ok) == (2, 1, True)
    assert (level.has_drifted, level.source_digest) == (False, level.live_digest)
    assert store.points[report.generation][6]["payload"]["title"] == "new title"


def test_a_repair_makes_a_stale_collection_fresh(workshop: Workshop) -> None:
    """Staleness counts from the last time both sides were level."""
    workshop.rebuild()
    workshop.clock.sleep(3600)
    find_drift(ALIAS, book=workshop.book, here=workshop.here, repair=True)

    (status,) = read_status(workshop.book, here=workshop.here)

    assert status.ok


def test_names_that_the_book_does_not_have_are_refused_with_a_guess(workshop: Workshop) -> None:
    """A typing error is answered with the nearest name."""
    with pytest.raises(UsageError) as failure:
        chosen_names(workshop.book, ["au_photografers"])

    assert failure.value.fix == f"did you mean `{ALIAS}`?"
    assert chosen_names(workshop.book, []) == (ALIAS,)


def test_names_of_generations_are_read_back() -> None:
    """Only names that opsctl made are taken for generations."""
    moment = datetime(2026, 11, 22, 19, 0, 5, tzinfo=UTC)
    parsed = parse_generation(generation_name("au_photographers", moment=moment))

    assert parsed is not None
    assert (parsed.alias, parsed.built_at) == ("au_photographers", moment)
    assert [parse_generation(name) for name in ("content", "a__g2026", "a__g20269999T000000")] == [None] * 3
