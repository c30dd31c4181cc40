"""Backups on a terminal: nothing cut at 80 columns, nothing by colour alone, and every doubt to be read."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from types import SimpleNamespace

import pytest
from rich.console import Console
from tests.dr.manifests import full_manifest

from opsctl.core.findings import Finding, Severity
from opsctl.dr.kept import Kept, Mark, Verified
from opsctl.dr.manifest import BackupKind
from opsctl.dr.plan import RestorePlan
from opsctl.dr.restore import Done, Point, RestoreReport, Step
from opsctl.dr.verify import CheckDone, Depth, VerifyReport, VerifyStep
from opsctl.ui.console import shown_on
from opsctl.ui.show_dr import (
    show_backup,
    show_backup_plan,
    show_backups,
    show_key,
    show_pruned,
    show_restore_plan,
    show_restored,
    show_verified,
    show_window,
)
from opsctl.ui.show_dr_load import show_load_plan, show_loaded, show_roles

NOW = datetime(2026, 11, 30, 3, 0, 0, tzinfo=UTC)
WHOLE = full_manifest()
DOUBT = Finding(
    code="DRC001",
    severity=Severity.ERROR,
    title="object `backups/x [bold]` of /srv was changed since it was put there",
    evidence="its SHA-256 is another",
    fix="find a copy that is whole: opsctl dr verify --all",
)


@pytest.fixture
def shown():
    """Show something on a terminal of 80 columns, or without one, and return what was printed on both outputs."""

    def show(print_it, *args, width=80, terminal=True, **others):
        console = Console(
            width=width, force_terminal=terminal, color_system=None, record=True, emoji=False, file=StringIO()
        )
        with shown_on(console):
            print_it(*args, **others)
        return console.export_text()

    return show


def kept(**changes):
    """Return a backup of yesterday."""
    made = Kept(
        backup_id=WHOLE.backup_id,
        kind=BackupKind.INCREMENTAL,
        started_at=NOW - timedelta(days=1),
        key="backups/x/manifest@0.zst",
        manifest=WHOLE,
    )
    return replace(made, **changes)


def report(*doubts, depth=Depth.RESTORED):
    """Return what a verification found."""
    return VerifyReport(
        backup_id=WHOLE.backup_id,
        depth=depth,
        started_at=NOW,
        stored_bytes=123_456_789,
        steps=(
            CheckDone(step=VerifyStep.STORED, seconds=1.5),
            Done(
                step=Step.REPLAY, seconds=61.0, figures={"written": 12_345, "lsn": "0/3000120", "recall": 1.0}
            ),
        ),
        doubts=doubts,
    )


def restored(*doubts):
    """Return what a restore did."""
    return RestoreReport(
        backup_id=WHOLE.backup_id,
        target="the newest point",
        point=Point(lsn="0/3000120", at=NOW, timeline=2),
        steps=(Done(step=Step.DATABASE, seconds=3.0, figures={}),),
        doubts=doubts,
    )


PLAN = RestorePlan(
    backups=(WHOLE.backup_id, "20261128T030000Z-full-3d4e5f"),
    vectors_from=WHOLE.backup_id,
    collections=3,
    target="latest",
    reaches="0/6000120",
    segments=1_234,
    fetched_bytes=5_000_000_000,
    space_bytes=9_000_000_000,
    forecast_seconds=130.0,
    into="live",
    replaces=("/data/postgres [x]",),
    left_out=("20261129T040000Z-full-ffffff",),
)
PRUNED = SimpleNamespace(
    gone=("20261028T030000Z-full-3d4e5f",),
    kept={WHOLE.backup_id: ("one of the newest 2", "the newest that is verified")},
    objects=1_234,
    size_bytes=99_000_000,
    replaced=("/data/postgres.replaced-20261129T030000Z",),
    leftovers=("20261101T030000Z-full-5f6a7b",),
)


def test_a_list_says_age_size_and_what_was_verified_in_words(shown):
    """Also of a backup that cannot be read here."""
    good, bad = (Verified(at=NOW - timedelta(hours=2), mark=mark) for mark in (Mark.GOOD, Mark.BAD))
    backups = [
        kept(verified=good),
        kept(verified=bad, backup_id="20261128T030000Z-full-3d4e5f"),
        kept(manifest=None, trouble="SEA003 no key", backup_id="20261127T030000Z-full-3d4e5f"),
    ]

    text = shown(show_backups, backups, place="/srv", now=NOW)

    assert "✔ 2 h" in text
    assert "✘ 2 h" in text
    assert "never" in text
    assert "20261127T030000Z-full-3d4e5f cannot be read here: SEA003 no key" in text
    assert all(each.backup_id in text for each in backups)


def test_an_empty_list_says_what_to_do(shown):
    """And where it looked."""
    text = shown(show_backups, [], place="/srv", now=NOW)

    assert "no backup in /srv" in text
    assert "opsctl dr backup" in text


def test_a_backup_that_a_clock_puts_into_the_future_has_no_age_below_zero(shown):
    """A clock was set back."""
    text = shown(show_backups, [kept(started_at=NOW + timedelta(days=1))], place="/srv", now=NOW)

    assert " -" not in text


def test_what_was_kept_names_both_stores(shown):
    """And what was written to meanwhile."""
    text = shown(show_backup, WHOLE, place="/srv", seconds=12.0)

    assert f"kept {WHOLE.backup_id}: " in text
    assert "incremental, up to 0/3000120, timeline 2" in text
    assert "dump of opsctl, 8,000 rows" in text
    assert "8,000 points, written to meanwhile" in text
    assert "opsctl dr verify" in text


def test_a_new_key_is_shown_with_the_line_for_the_book(shown):
    """Whole, brackets and all: it is copied from there."""
    text = shown(show_key, SimpleNamespace(recipient="age1" + "q" * 58, file="/srv/[x]key"), width=200)

    assert f"`encryption: {{recipients: [age1{'q' * 58}]}}`" in text
    assert "/srv/[x]key" in text


def test_a_backup_that_anybody_can_read_is_said_to_be_one(shown):
    """Whether it was made or would be."""
    plan = SimpleNamespace(
        kind=BackupKind.INCREMENTAL, place="/srv", reason="x", offsite=None, encrypted_for=0
    )
    assert WHOLE.configuration is not None
    made = replace(WHOLE, configuration=replace(WHOLE.configuration, key="x/configuration.tar.zst"))

    assert "would make an incremental backup" in shown(show_backup_plan, plan)
    assert "it is not encrypted" in shown(show_backup_plan, plan)
    assert "it is not encrypted" in shown(show_backup, made, place="/srv", seconds=1.0)


def test_a_verification_names_every_doubt_and_each_step(shown):
    """With its code, its evidence and what to do; the verdict is a word, too."""
    good, bad = shown(show_verified, [report()]), shown(show_verified, [report(DOUBT, DOUBT)])

    assert f"✔ {WHOLE.backup_id}: restored and compared, " in good
    assert "written 12,345, lsn 0/3000120, recall 1.0" in good
    assert "✘" in bad
    assert "2 doubts" in bad
    assert "DRC001" in bad
    assert "[bold]" in bad
    stored = shown(show_verified, [report(depth=Depth.STORED)])
    assert "every stored byte hashed" in stored
    assert "took" not in stored


def test_a_plan_says_what_is_moved_aside_and_what_is_left_out(shown):
    """Before anybody confirms it."""
    text = shown(show_restore_plan, PLAN)

    assert "moved aside  /data/postgres [x]" in text
    assert "left out     20261129T040000Z-full-ffffff: " in text
    assert "latest; the log reaches 0/6000120" in text
    assert "1,234 segments" in text
    none = replace(PLAN, backups=(), vectors_from=None, reaches=None)
    assert "left as it is" in shown(show_restore_plan, none)
    assert "built anew from the database" in shown(show_restore_plan, none)


def test_a_restore_says_whether_it_was_handed_over_and_what_comes_next(shown):
    """For a folder something else than for the live stack."""
    into_folder = shown(show_restored, restored(), into="/srv/restored")
    live = shown(show_restored, restored(), into="live")
    doubtful = shown(show_restored, restored(DOUBT), into="live")

    assert "✔ restored the newest point at 0/3000120, timeline 2 in 3 s" in into_folder
    assert "opsctl --project /srv/restored stack up" in into_folder
    assert "opsctl cache invalidate --all" in live
    assert "✘ not handed over: 1 doubt; the target is as it was" in doubtful
    assert "✔" not in doubtful


def test_what_is_pruned_and_why_the_rest_stays(shown):
    """Dry or not."""
    would, did = (shown(show_pruned, PRUNED, dry_run=dry) for dry in (True, False))

    assert "would remove 1 backup; 1,234 objects of backups and of the log" in would
    assert "removed 1 backup;" in did
    assert "postgres.replaced-20261129T030000Z, put aside by a restore" in did
    assert f"kept {WHOLE.backup_id}: one of the newest 2, the newest that is verified" in did


def test_the_window_tells_what_would_be_lost_now(shown):
    """Where no archiver runs, that everything from now on is in no backup."""
    window = SimpleNamespace(
        oldest_at=NOW - timedelta(days=7),
        oldest_lsn="0/3000120",
        newest_lsn="0/9000000",
        trouble="DRC026 a gap",
        needs_key=False,
    )
    archiving = SimpleNamespace(
        noted_at=NOW,
        shipped_at=NOW - timedelta(seconds=4),
        waiting_bytes=1_048_576,
        trouble="REP005 nobody answers",
        lost=None,
    )

    assert "no archiver runs" in shown(show_window, window, None, now=NOW)
    assert "no archiver runs" in shown(show_window, window, archiving, now=NOW + timedelta(minutes=5))
    assert "archiver" not in shown(show_window, window, None, now=NOW, is_ours=False)
    text = shown(show_window, window, archiving, now=NOW)
    assert "any point from 2026-11-23 03:00:00 UTC (0/3000120) to 0/9000000" in text
    assert "the log is not whole: DRC026 a gap" in text
    assert "shipped 4 s ago, with all that was committed before 2026-11-30 02:59:56 UTC" in text
    assert "no archiver runs" not in text
    assert "REP005 nobody answers" in text
    assert shown(show_window, None, archiving, now=NOW) == ""
    assert "dr backup --full" not in text
    archiving.lost = "a part of the log was removed"
    assert "opsctl dr backup --full" in shown(show_window, window, archiving, now=NOW)
    window.trouble, window.needs_key = None, True
    locked = shown(show_window, window, archiving, now=NOW)
    assert "not whole" not in locked
    assert "opsctl dr list --identity FILE" in locked


LOAD = SimpleNamespace(
    backup_id="20261128T030000Z-logical-3d4e5f",
    database="shop",
    into="postgresql://postgres@db.example.com/shop",
    tables=21,
    rows=12_345,
    fetched_bytes=5_000_000,
    has_roles=True,
)


def test_loading_says_what_came_and_what_comes_next(shown):
    """Vectors are not part of a dump."""
    loaded = SimpleNamespace(
        plan=LOAD, tables={"public.content": 300, "public.users": 45}, renumbered=7, seconds=2.0
    )

    assert "21, with 12,345 rows" in shown(show_load_plan, LOAD)
    assert "opsctl dr load --roles roles.sql" in shown(show_load_plan, LOAD)
    text = shown(show_loaded, loaded)
    assert "2 tables, 345 rows" in text
    assert "opsctl catalog sync --from-scratch" in text
    roles = SimpleNamespace(backup_id="b", file="roles.sql", size_bytes=4_000)
    assert "would write the roles" in shown(show_roles, roles, dry_run=True)


EVERYTHING = [
    (show_backups, [[kept(), kept(manifest=None, trouble="x " * 60)]], {"place": "/srv", "now": NOW}),
    (show_backup, [WHOLE], {"place": "/srv", "seconds": 1.0}),
    (
        show_backup_plan,
        [
            SimpleNamespace(
                kind=BackupKind.FULL, place="/srv", reason="asked for", offsite="s3://b", encrypted_for=0
            )
        ],
        {},
    ),
    (show_key, [SimpleNamespace(recipient="age1" + "q" * 58, file="/srv/key")], {}),
    (show_verified, [[report(DOUBT), report()]], {}),
    (show_restore_plan, [PLAN], {}),
    (show_restored, [restored(DOUBT)], {"into": "live"}),
    (show_pruned, [PRUNED], {"dry_run": False}),
]


@pytest.mark.parametrize(
    ("print_it", "args", "others"), EVERYTHING, ids=lambda each: getattr(each, "__name__", "")
)
def test_nothing_is_cut_on_a_narrow_terminal_and_nothing_moves_without_one(shown, print_it, args, others):
    """The same words come out at 80 columns, at 200, and into a file; names are whole wherever they are shown."""
    narrow = shown(print_it, *args, **others)
    wide = shown(print_it, *args, width=200, **others)
    piped = shown(print_it, *args, terminal=False, width=160, **others)

    assert "…" not in narrow
    assert "\x1b" not in piped
    # A table that is too wide becomes a list; the name of its first column goes.
    assert set(narrow.split()) | {"backup"} == set(wide.split()) | {"backup"}
    assert piped.split() == wide.split()
