"""A rebuild ends with a whole generation behind the alias, or leaves the alias alone."""

from collections.abc import Callable

import pytest
from tests.qdrant_collections.conftest import ALIAS, SOURCE_POINTS, Workshop, make_points

from opsctl.clients.file_locks import FileLock
from opsctl.core.errors import FailedError, NotReadyError, OpsError, RefusedError
from opsctl.core.events import Event, PhaseAdvanced, PhaseFinished, PhaseStarted
from opsctl.qdrant_collections.beginning import preview
from opsctl.qdrant_collections.checkpoint import Outcome, Step
from opsctl.qdrant_collections.options import RebuildOptions
from opsctl.qdrant_collections.provenance import BuildState, read_provenance

EXPECTED_POINTS = SOURCE_POINTS // 6


class CrashError(Exception):
    """What a listener raises to end a rebuild at some place, as a kill would."""


def crash_when(condition: Callable[[Event], bool]) -> Callable[[Event], None]:
    """Return a listener that crashes at the first event for which the condition holds."""

    def listen(event: Event) -> None:
        if condition(event):
            raise CrashError

    return listen


def on_call(method: str, act: Callable[[str], object], *, times: int = 1) -> Callable[[str, str], None]:
    """Return a hook of the fake that acts at the first calls of a method on a generation."""
    left = times

    def hook(called: str, name: str) -> None:
        nonlocal left
        if called == method and "__g" in name and left > 0:
            left -= 1
            act(name)

    return hook


def test_the_alias_leads_to_exactly_the_points_that_pass_the_filter(workshop: Workshop) -> None:
    """After a rebuild the alias serves the filtered points, verified."""
    report = workshop.rebuild()

    stored = workshop.store.points[report.generation]
    assert report.outcome is Outcome.LIVE
    assert workshop.store.alias_table == {ALIAS: report.generation}
    assert sorted(stored) == [each for each in range(SOURCE_POINTS) if each % 6 == 0]
    assert stored[6]["payload"] == workshop.store.points["content"][6]["payload"]


@pytest.mark.slow
def test_all_nine_steps_are_told_in_their_order(workshop: Workshop) -> None:
    """A listener hears every step begin and end once, in order."""
    workshop.rebuild()

    finished = [event.phase for event in workshop.events if isinstance(event, PhaseFinished)]
    assert finished == list(Step)


def test_provenance_travels_with_the_collection(workshop: Workshop) -> None:
    """The generation's metadata says what it was made from and what was proven."""
    report = workshop.rebuild()

    noted = read_provenance(workshop.store.collection(report.generation).metadata)
    assert noted is not None
    assert (noted.state, noted.source, noted.watermark) == (BuildState.VERIFIED, "content", "7")
    assert noted.filter == {"region": "AU", "category": "photographer", "quality": {"gte": 0.5}}
    assert (noted.points, noted.plan_digest) == (EXPECTED_POINTS, report.inputs["book_entry"])


@pytest.mark.slow
def test_an_old_server_without_metadata_is_served_too(workshop: Workshop) -> None:
    """Before 1.16 there is no metadata; nothing is written there."""
    workshop.store.version = "1.15.4"

    report = workshop.rebuild()

    assert report.ok
    assert workshop.store.configs[report.generation]["metadata"] == {}


@pytest.mark.slow
@pytest.mark.parametrize("step", list(Step))
def test_after_a_crash_behind_any_step_the_old_generation_serves_and_the_rebuild_goes_on(
    workshop: Workshop, step: Step
) -> None:
    """A crash at the end of a step leaves a whole live generation, and the same command resumes."""
    first = workshop.rebuild()
    workshop.clock.sleep(60)
    workshop.listener = crash_when(lambda event: isinstance(event, PhaseFinished) and event.phase == step)

    with pytest.raises(CrashError):
        workshop.rebuild()
    live_after_crash = workshop.store.alias_table[ALIAS]
    workshop.listener = None
    second = workshop.rebuild()

    assert len(workshop.store.points[live_after_crash]) == EXPECTED_POINTS
    if step in (Step.PREFLIGHT, Step.CREATE, Step.COPY, Step.DELTA, Step.SETTLE, Step.VERIFY):
        assert live_after_crash == first.generation
    assert second.outcome is Outcome.LIVE
    assert second.resumed is (step not in (Step.PREFLIGHT, Step.COLLECT))
    assert workshop.store.alias_table == {ALIAS: second.generation}


@pytest.mark.slow
@pytest.mark.parametrize("step", [each for each in Step if each is not Step.PREFLIGHT])
def test_a_crash_at_the_beginning_of_a_step_resumes_the_same_generation(
    workshop: Workshop, step: Step
) -> None:
    """No second generation is begun where one can be gone on with."""
    workshop.listener = crash_when(lambda event: isinstance(event, PhaseStarted) and event.phase == step)
    with pytest.raises(CrashError):
        workshop.rebuild()
    begun = workshop.here.checkpoints.running(ALIAS)
    workshop.listener = None

    report = workshop.rebuild()

    assert begun is not None
    assert (report.ok, report.resumed, report.generation) == (True, True, begun.generation)
    assert [name for name in workshop.store.points if "__g" in name] == [begun.generation]


@pytest.mark.slow
def test_a_crash_in_mid_copy_does_not_copy_again_what_was_copied(workshop: Workshop) -> None:
    """The second run copies the rest, not the whole."""
    seen = 0

    def crash_half_way(event: Event) -> None:
        nonlocal seen
        seen += isinstance(event, PhaseAdvanced) and event.phase == Step.COPY and event.advance > 0
        if seen == 2:
            raise CrashError

    workshop.listener = crash_half_way
    with pytest.raises(CrashError):
        workshop.rebuild()
    workshop.listener = None

    report = workshop.rebuild()

    assert report.ok
    assert 0 < report.copied_now < EXPECTED_POINTS
    assert report.figures["copy"]["copied_before"] == EXPECTED_POINTS - report.copied_now


@pytest.mark.slow
def test_ctrl_c_keeps_the_checkpoint(workshop: Workshop) -> None:
    """An interrupt goes through as it is, and the rebuild can be gone on with."""

    def interrupt(event: Event) -> None:
        if isinstance(event, PhaseAdvanced) and event.phase == Step.COPY and event.advance > 0:
            raise KeyboardInterrupt

    workshop.listener = interrupt
    with pytest.raises(KeyboardInterrupt):
        workshop.rebuild()
    workshop.listener = None

    assert workshop.here.checkpoints.running(ALIAS) is not None
    assert workshop.rebuild().resumed


@pytest.mark.slow
def test_a_point_that_was_spoilt_after_the_delta_fails_the_verification_and_is_never_swapped_in(
    workshop: Workshop,
) -> None:
    """A generation whose digest differs stays out of service and is kept for inspection."""
    first = workshop.rebuild()
    workshop.clock.sleep(60)

    def spoil(name: str) -> None:
        workshop.store.points[name][6]["payload"]["title"] = "spoilt"

    workshop.store.hooks.append(on_call("update_collection", spoil))
    report = workshop.rebuild()

    assert report.verification is not None
    assert report.outcome is Outcome.FAILED
    assert [check.name for check in report.verification.failed] == ["digest"]
    assert workshop.store.alias_table == {ALIAS: first.generation}
    assert report.generation in workshop.store.points


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoil", "failed"),
    [
        (lambda points: points.pop(6), ["counts", "digest"]),
        (lambda points: points[6].update(vector=[1.0] * 8), ["vectors"]),
        (lambda points: points[6]["payload"].update(region="US"), ["digest", "filter"]),
    ],
)
def test_each_kind_of_damage_is_found_by_its_own_check(
    workshop: Workshop, spoil: Callable[[dict[int, dict[str, object]]], object], failed: list[str]
) -> None:
    """A lost point, a wrong vector and a point outside the filter each fail the check made for them."""
    workshop.store.hooks.append(on_call("update_collection", lambda name: spoil(workshop.store.points[name])))

    report = workshop.rebuild()

    assert report.verification is not None
    assert [check.name for check in report.verification.failed if check.name != "recall"] == failed
    assert workshop.store.alias_table == {}


def test_bad_recall_is_never_swapped_in(workshop: Workshop) -> None:
    """A generation that finds the wrong neighbours stays out of service."""
    workshop.store.hooks.append(on_call("create_collection", workshop.store.blind.add))

    report = workshop.rebuild()

    assert report.verification is not None
    assert [check.name for check in report.verification.failed] == ["recall"]
    assert workshop.store.alias_table == {}


@pytest.mark.slow
def test_a_slow_engine_misses_its_budget(workshop: Workshop) -> None:
    """The engine's p95 is a budget of the book."""
    workshop.change_book(budgets={"p95": "1ms", "recall": 0.9})
    workshop.store.engine_seconds = 0.002

    report = workshop.rebuild()

    assert report.verification is not None
    assert [check.name for check in report.verification.failed] == ["p95"]


@pytest.mark.slow
def test_a_failed_rebuild_is_not_gone_on_with(workshop: Workshop) -> None:
    """After a failed verification the next rebuild begins anew."""
    workshop.store.hooks.append(on_call("create_collection", workshop.store.blind.add))
    failed = workshop.rebuild()
    workshop.clock.sleep(60)

    report = workshop.rebuild()

    assert (report.ok, report.resumed) == (True, False)
    assert report.generation != failed.generation


def test_writes_to_the_source_during_the_copy_are_brought_over(workshop: Workshop) -> None:
    """New, changed, deleted and no longer matching points are found by the delta pass."""
    source = workshop.store.points["content"]

    def write(_name: str) -> None:
        workshop.store.upsert("content", make_points(6, first=6000))
        source[6]["payload"]["title"] = "changed"
        source[12]["payload"]["region"] = "US"
        del source[18]

    workshop.listener = lambda event: (
        write("") if isinstance(event, PhaseFinished) and event.phase == Step.COPY else None
    )
    report = workshop.rebuild()

    stored = workshop.store.points[report.generation]
    assert report.ok
    assert report.figures["delta"] == {"written": 2, "deleted": 2, "compared": EXPECTED_POINTS - 1}
    assert stored[6]["payload"]["title"] == "changed"
    assert {12, 18}.isdisjoint(stored)
    assert 6000 in stored


@pytest.mark.slow
def test_a_source_written_to_during_the_verification_gets_another_delta_pass(workshop: Workshop) -> None:
    """A moving source is no failed verification."""
    workshop.store.hooks.append(
        on_call(
            "update_collection", lambda _name: workshop.store.upsert("content", make_points(1, first=6000))
        )
    )

    report = workshop.rebuild()

    assert report.ok
    assert 6000 in workshop.store.points[report.generation]


@pytest.mark.slow
def test_a_lost_race_for_the_alias_is_refused(workshop: Workshop) -> None:
    """An alias that somebody else moved meanwhile is not taken back unseen; the next run takes it as given."""
    first = workshop.rebuild()
    workshop.clock.sleep(60)
    other = f"{ALIAS}__g20270101T000000"
    workshop.store.create_collection(other, {"vectors": {"size": 8, "distance": "Cosine"}})

    def steal(_name: str) -> None:
        workshop.store.alias_table[ALIAS] = other

    workshop.store.hooks.append(on_call("update_collection", steal))
    with pytest.raises(RefusedError) as refusal:
        workshop.rebuild()
    stolen = workshop.store.alias_table[ALIAS]
    report = workshop.rebuild()

    assert refusal.value.code == "COL023"
    assert stolen == other != first.generation
    assert (report.ok, report.resumed) == (True, True)


def test_two_rebuilds_of_one_name_at_once_are_refused(workshop: Workshop) -> None:
    """The second one is told who holds the lock and what it does."""
    with (
        FileLock(workshop.here.checkpoints.lock_path(ALIAS), what=f"rebuilding `{ALIAS}`"),
        pytest.raises(RefusedError) as refusal,
    ):
        workshop.rebuild()

    assert refusal.value.code == "FIL002"
    assert f"rebuilding `{ALIAS}`" in (refusal.value.why or "")


@pytest.mark.slow
def test_a_build_on_another_machine_is_respected_while_it_lives(workshop: Workshop) -> None:
    """A fresh sign of life refuses; a stale one does not."""
    report = workshop.rebuild()
    noted = read_provenance(workshop.store.collection(report.generation).metadata)
    assert noted is not None
    metadata = noted.to_metadata()
    metadata["opsctl"] |= {
        "state": "building",
        "builder": "elsewhere",
        "beat_at": workshop.clock.now().isoformat(),
    }
    other = f"{ALIAS}__g20261122T115900"
    vectors = {"size": 8, "distance": "Cosine"}
    workshop.store.create_collection(other, {"vectors": vectors, "metadata": metadata})

    with pytest.raises(RefusedError) as refusal:
        workshop.rebuild()
    workshop.clock.sleep(600)

    assert refusal.value.code == "COL014"
    assert workshop.rebuild().ok


@pytest.mark.slow
def test_a_changed_book_begins_anew(workshop: Workshop) -> None:
    """An interrupted rebuild of another filter is given up, not mixed with the new one."""
    workshop.listener = crash_when(
        lambda event: isinstance(event, PhaseFinished) and event.phase == Step.COPY
    )
    with pytest.raises(CrashError):
        workshop.rebuild()
    workshop.listener = None
    workshop.change_book(filter={"region": "US"})
    workshop.clock.sleep(2)

    report = workshop.rebuild()

    outcomes = [state.outcome for state in workshop.here.checkpoints.all(ALIAS)]
    assert (report.ok, report.resumed) == (True, False)
    assert outcomes == [Outcome.LIVE, Outcome.ABANDONED]
    assert len(workshop.store.points[report.generation]) == SOURCE_POINTS // 2


def test_a_server_that_stumbles_is_asked_again(workshop: Workshop) -> None:
    """Transient errors during the copy cost time, not the rebuild."""

    def stumble(_name: str) -> None:
        raise NotReadyError("cannot write points", code="COL001")

    workshop.store.hooks.append(on_call("upsert", stumble, times=3))

    assert workshop.rebuild().ok


@pytest.mark.slow
def test_a_server_that_stays_away_ends_the_run_and_the_next_one_goes_on(workshop: Workshop) -> None:
    """When the retries are used up the error comes out, and the checkpoint stays."""

    def stumble(_name: str) -> None:
        raise NotReadyError("cannot write points", code="COL001")

    hook = on_call("upsert", stumble, times=10_000)
    workshop.store.hooks.append(hook)
    with pytest.raises(NotReadyError):
        workshop.rebuild(retry_seconds=5.0)
    workshop.store.hooks.remove(hook)

    assert workshop.rebuild().resumed


def test_an_error_that_trying_again_cannot_mend_is_not_tried_again(workshop: Workshop) -> None:
    """A refusal of the server comes out at once."""
    tries = 0

    def refuse(_name: str) -> None:
        nonlocal tries
        tries += 1
        raise FailedError("cannot write points", code="COL005")

    workshop.store.hooks.append(on_call("upsert", refuse, times=10_000))
    with pytest.raises(OpsError) as failure:
        workshop.rebuild()

    assert failure.value.code == "COL005"
    assert tries <= 2  # one a stream


@pytest.mark.slow
def test_a_generation_that_serves_badly_is_swapped_back(workshop: Workshop) -> None:
    """The watch sees the recall fall and gives the alias back to the generation before."""
    first = workshop.rebuild()
    workshop.clock.sleep(60)

    def go_blind(method: str, _name: str) -> None:
        if method == "change_aliases":
            workshop.store.blind.update(set(workshop.store.points) - {"content", first.generation})

    workshop.store.hooks.append(go_blind)
    report = workshop.rebuild()

    assert report.watch is not None
    assert report.watch.trouble is not None
    assert (report.ok, report.outcome) == (False, Outcome.ROLLED_BACK)
    assert workshop.store.alias_table == {ALIAS: first.generation}


@pytest.mark.slow
def test_the_copy_pauses_while_the_live_alias_is_slow(workshop: Workshop) -> None:
    """With a limit on the live p95 the streams wait until searches are fast again."""
    workshop.rebuild()
    workshop.clock.sleep(60)
    store = workshop.store
    probes = 0

    def slow_at_first(method: str, name: str) -> None:
        nonlocal probes
        if method == "query" and name == ALIAS:
            probes += 1
            store.engine_seconds = 1.0 if probes <= 20 else 0.0005
            workshop.clock.sleep(0.1)

    store.hooks.append(slow_at_first)
    report = workshop.rebuild(max_live_p95_seconds=0.1)

    assert report.ok
    assert report.figures["copy"]["pauses"] == 1
    assert report.figures["copy"]["paused_seconds"] > 0


def test_a_dry_run_changes_nothing(workshop: Workshop) -> None:
    """The preview goes through the same checks and writes neither to the server nor to the disk."""
    shown = preview(ALIAS, book=workshop.book, here=workshop.here, options=RebuildOptions())

    called = {method for method, _name in workshop.store.calls[-20:]}
    assert (shown.plan.points, shown.resumes) == (EXPECTED_POINTS, None)
    assert called.isdisjoint({"delete_collection", "change_aliases", "update_collection"})
    assert list(workshop.store.points) == ["content"]
    assert not workshop.folder.exists()


@pytest.mark.slow
def test_a_rebuild_of_an_unchanged_source_makes_a_new_generation_with_the_same_digest(
    workshop: Workshop,
) -> None:
    """The digest depends on the points only."""
    first = workshop.rebuild()
    second = workshop.rebuild()

    assert first.generation != second.generation
    assert first.inputs == second.inputs
