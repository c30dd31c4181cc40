"""Which chapters does the site have, which evidence does each rest on, and what do they say in short?"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from opsctl.evidence.model import Record
from opsctl.ui.site.facts import Facts
from opsctl.ui.site.reading import simulated_of
from opsctl.ui.site.standing import Standing, State, shown
from opsctl.ui.site.stands import stands


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """One chapter before it is written.

    Args:
        name: of its file.
        title: in the navigation.
        kinds: of the evidence that it counts, each subject by its newest record.
        single: kinds of which only the newest record of all counts, because each run makes a subject of its own; by kind
            the subject of a whole run, where there are partial ones too.
        command: what makes the evidence.
    """

    name: str
    title: str
    kinds: tuple[str, ...]
    command: str
    single: Mapping[str, str] = field(default_factory=dict)


OUTLINES = (
    Outline(
        name="benchmarks",
        title="Benchmarks",
        kinds=(
            "bench.load",
            "bench.latency",
            "bench.capacity",
            "bench.filters",
            "collections.rebuild",
            "collections.verify",
            "collections.drift",
            "collections.plan",
        ),
        command="opsctl bench",
    ),
    Outline(
        name="alerts",
        title="Alerts",
        kinds=("alerts.prove",),
        single={"alerts.test": ""},
        command="opsctl alerts prove",
    ),
    Outline(
        name="drills",
        title="Drills",
        kinds=("chaos.drill", "chaos.teeth"),
        command="opsctl chaos run --profile ci",
    ),
    Outline(
        name="recovery",
        title="Recovery",
        kinds=("dr.drill", "dr.backup"),
        single={"dr.verify": ""},
        command="opsctl dr drill --profile ci",
    ),
    Outline(
        name="experiments",
        title="Experiments",
        kinds=("experiments.analyze", "experiments.certificate", "readers.measure"),
        command="opsctl experiments analyze",
    ),
    Outline(
        name="costs", title="Costs", kinds=(), single={"costs.estimate": ""}, command="opsctl costs estimate"
    ),
    Outline(
        name="security",
        title="Security",
        kinds=(),
        single={"security.audit": "project"},
        command="opsctl security audit",
    ),
)

IN_NO_CHAPTER = frozenset(
    {
        "checklist.run",
        "experiments.peek",
        "experiments.ramp",
        "experiments.replay",
        "experiments.simulate",
        "experiments.start",
        "experiments.stop",
        "learned.replay",
    }
)
"""Kinds that a chapter or the first page shows, or that are marks in the life of something, and count for nothing by themselves."""

PAGES = (
    ("index", "Checklist"),
    *((each.name, each.title) for each in OUTLINES),
    ("evidence", "Evidence"),
)
"""Names and titles of the navigation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What a chapter says in short."""

    outline: Outline
    standing: Standing
    counts: tuple[tuple[Standing, int], ...]
    newest: Record | None
    simulated: tuple[str, ...]


def brief_of(outline: Outline, facts: Facts) -> Brief:
    """Return the short form of a chapter: how many proofs stand how, and what of them was simulated."""
    records = list(_records(outline, facts))
    standings = [stands(record, facts) for record in records]
    standings += [shown(State.MISSING)] * _missing(outline, facts)
    counted = Counter(each.state for each in standings)
    simulated = dict.fromkeys(part for record in records for part in simulated_of(record))
    return Brief(
        outline=outline,
        standing=shown(_worst(counted)),
        counts=tuple((shown(state), counted[state]) for state in State if counted[state]),
        newest=max(records, key=lambda record: record.sequence, default=None),
        simulated=tuple(simulated),
    )


def _records(outline: Outline, facts: Facts) -> Iterator[Record]:
    for kind in outline.kinds:
        yield from facts.survey.of(kind)
    for kind, subject in outline.single.items():
        last = whole_run(facts, kind=kind, subject=subject)
        if last is not None:
            yield last


def others(facts: Facts) -> tuple[Record, ...]:
    """Return the newest records of kinds that belong to no chapter, such as the probing of dashboards."""
    known = {kind for outline in OUTLINES for kind in (*outline.kinds, *outline.single)} | IN_NO_CHAPTER
    return tuple(
        record
        for count in facts.survey.counts
        if count.kind not in known
        for record in facts.survey.of(count.kind)
    )


def whole_run(facts: Facts, *, kind: str, subject: str = "") -> Record | None:
    """Return the newest record of a kind, of this subject where one is named; None where there is none."""
    if subject:
        return facts.survey.newest.get(kind, {}).get(subject)
    return facts.survey.last(kind)


def _missing(outline: Outline, facts: Facts) -> int:
    """Return of how many things that the books want proven no record tells."""
    return sum(
        expected.name not in facts.survey.newest.get(kind, {})
        for kind in outline.kinds
        for expected in facts.expected.get(kind, ())
    )


def _worst(counted: Counter[State]) -> State:
    """Return what the whole is: passed only where everything is."""
    if not counted:
        return State.MISSING
    order = (State.DISTRUSTED, State.FAIL, State.UNKNOWN, State.STALE, State.MISSING, State.WAIVED)
    return next((state for state in order if counted[state]), State.PASS)
