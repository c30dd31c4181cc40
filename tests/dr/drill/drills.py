"""Drills of a loss as a test wants them: one that came back in time, one that missed, one that did not come back, one unclear."""

from collections.abc import Iterator, Mapping
from typing import Any

from opsctl.dr.drill.book import Recovery
from opsctl.dr.drill.journal import Entry, Journal
from opsctl.dr.drill.judge import Goals, judge
from opsctl.dr.drill.losses import Loss
from opsctl.dr.drill.model import CommandSeen, DrillRun, SecondSeen, Stage, StageSeen

STARTED_AT = 1_796_000_000.0
GOALS = Goals(rpo_seconds=60.0, rto_seconds=900.0, detect_seconds=120.0)
HOSTILE = "<script>alert(1)</script> \"' & {{ 7 * 7 }} `code` | @team [red]"


def recovery(**changes: Any) -> Recovery:
    """Return a book."""
    return Recovery.model_validate(
        {
            "title": "Both stores are lost",
            "why": "The machine that holds PostgreSQL and the vectors dies with its disk.",
            "loses": ["database", "vectors"],
            "alert": "database_unreachable",
            "detect_within": "2m",
        }
        | changes
    )


def loss(stream: str = "content", **changes: Any) -> Loss:
    """Return what became of a stream: all of it is there."""
    whole: dict[str, Any] = {"acknowledged": 420, "tail": 0, "holes": 0, "phantoms": 0, "rpo_seconds": 0.0}
    return Loss(stream=stream, **(whole | changes))


def stages(*seconds: float) -> tuple[StageSeen, ...]:
    """Return stages with these lengths, as far as they go."""
    return tuple(StageSeen(stage=stage, seconds=each) for stage, each in zip(Stage, seconds, strict=False))


def command(text: str = "opsctl dr restore --to latest --into live --confirm", **changes: Any) -> CommandSeen:
    """Return a command that went well."""
    whole: dict[str, Any] = {"command": text, "seconds": 44.0, "exit_code": 0}
    return CommandSeen(**(whole | changes))


def run(**changes: Any) -> DrillRun:
    """Return a drill that came back in time: destroyed after 20 s, served again 76 s later, with nothing lost."""
    whole: dict[str, Any] = {
        "scenario": "both_lost",
        "title": "Both stores are lost",
        "seed": 7,
        "started_at": STARTED_AT,
        "destroyed_at": STARTED_AT + 20,
        "ended_at": STARTED_AT + 130,
        "backup_id": "20261129T010203Z-full-0a1b2c",
        "stages": stages(14.0, 0.2, 53.8, 8.0),
        "commands": (
            command(),
            command("# changes: writes the vectors that differ\nopsctl catalog sync\nopsctl cache invalidate --all", seconds=9.5),
        ),
        "restore_steps": {"aliases": 2.4, "database": 6.5, "proof": 4.6, "replay": 9.0, "snapshots": 21.0},
        "losses": (loss("catalogue", acknowledged=2000), loss(), loss("interactions", acknowledged=431)),
        "divergence": 0,
        "acknowledged_per_second": {"content": 24.8, "interactions": 25.0},
        "given_up": {"content": 0, "interactions": 0},
        "points": tuple(points()),
        "served_while_gone": 0.985,
        "tiers_while_gone": {"trending": 300, "simple": 900},
    }  # fmt: skip
    return DrillRun(**(whole | changes))


def points(*, seconds: int = 110, gone_from: int = 20, gone_until: int = 88) -> Iterator[SecondSeen]:
    """Yield what readers got: agents at first, then the tiers below, some errors, and agents again."""
    for second in range(seconds):
        is_gone = gone_from <= second < gone_until
        bad = 6 if gone_from <= second < gone_from + 3 else 0
        tiers: Mapping[str, int] = {"trending": 8, "simple": 14} if is_gone else {"multi_agent": 20}
        slow = 0.9 if bad else 0.3 if is_gone else 0.06
        wave = 1 + 0.2 * ((second * 7) % 5)
        yield SecondSeen(second=second, good=30 - bad, bad=bad, p99_seconds=slow * wave, tiers=tiers)


def entry(made: DrillRun | None = None, *, goals: Goals = GOALS, book: Recovery | None = None) -> Entry:
    """Return a drill with its verdict."""
    held = made or run()
    return Entry(
        recovery=book or recovery(), goals=goals, run=held, verdict=judge(held, goals), book_digest="ab" * 32
    )


def missed() -> Entry:
    """Return a drill that came back too late, with rows lost, and a title that would like to be code."""
    made = run(
        scenario="database_lost",
        title=HOSTILE,
        stages=stages(140.0, 0.5, 820.0, 31.0),
        commands=(command(seconds=800.0),),
        losses=(
            loss("catalogue", acknowledged=2000),
            loss(tail=1701, holes=2, phantoms=1, rpo_seconds=71.2, acknowledged=4130, first_lost=(17, 18, 2400)),
            loss("interactions", tail=4, rpo_seconds=0.21, first_lost=(4127,)),
        ),
        divergence=3,
        given_up={"content": 12, "interactions": 0},
        points=tuple(points(seconds=1020, gone_until=980)),
        ended_at=STARTED_AT + 1040,
    )  # fmt: skip
    return entry(made, book=recovery(title="PostgreSQL is lost", why=HOSTILE))


def not_back() -> Entry:
    """Return a drill whose runbook failed: nobody counted rows."""
    failed = command(exit_code=3, seconds=12.0, tail="error[DRC026] a part of the log is missing " + HOSTILE)
    made = run(
        scenario="region_lost",
        title="The region is lost",
        backup_id=None,
        stages=stages(10.0, 0.3),
        commands=(command("opsctl dr list --offsite", seconds=1.1), failed),
        restore_steps={},
        losses=(),
        given_up={},
        acknowledged_per_second={},
        points=tuple(points(seconds=60)),
        ended_at=STARTED_AT + 61,
        served_while_gone=0.0,
        tiers_while_gone={},
    )
    book = recovery(title="The region is lost", loses=["region"], alert=None)
    return entry(made, book=book)


def unclear() -> Entry:
    """Return a drill that was not held: nothing was destroyed."""
    made = run(
        scenario="alias_lost",
        title="The aliases of the collections are lost",
        destroyed_at=None,
        backup_id=None,
        stages=(),
        commands=(),
        restore_steps={},
        losses=(),
        given_up={},
        acknowledged_per_second={},
        points=(),
        ended_at=STARTED_AT + 3,
        served_while_gone=None,
        tiers_while_gone={},
        errors=("STK004 the service did not start: port 8080 is taken",),
    )
    return entry(made, book=recovery(title="The aliases of the collections are lost", loses=["aliases"]))


def slower() -> Entry:
    """Return a second drill of the first scenario, slower and with a few rows lost."""
    lost = loss(tail=5, rpo_seconds=0.4, first_lost=(416,))
    return entry(
        run(seed=8, stages=stages(16.0, 0.2, 71.0, 12.0), losses=(loss("catalogue", acknowledged=2000), lost))
    )


def journal(*entries: Entry) -> Journal:
    """Return a run of these drills, of all kinds without any."""
    held = entries or (entry(), slower(), missed(), not_back(), unclear())
    return Journal(run_id="20261129T023000Z", entries=held, simulated=("readers",))
