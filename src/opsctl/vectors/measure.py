"""How fast is each of several ways to answer the same queries, measured in turns so that drift hits all alike."""

import gc
import random
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opsctl.core.clock import Clock
from opsctl.core.errors import InconclusiveError
from opsctl.core.events import Listener, Noted, PhaseAdvanced, ignore
from opsctl.core.phases import Phase, told_phase
from opsctl.vectors.arms import Arm, ArmSamples, Measurement, MeasurePlan
from opsctl.vectors.host import Host, HostReport, SpinReading, starved_share
from opsctl.vectors.recall import recall
from opsctl.vectors.search import Answer, Searcher
from opsctl.vectors.state import SideState, StateReader
from opsctl.vectors.validity import changes, host_problems, noise_problems

if TYPE_CHECKING:
    import numpy as np

# An arm answers a few queries in a row before the next has its turn, and the first one does not count: in strict
# alternation every search finds the CPU's caches as another collection left them, and one arm that scans everything makes
# its neighbours look slower than they are (seen: planner p50 0.72 ms beside an unindexed arm, 0.36 ms without).
SPELL_QUERIES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruments:
    """What measuring works with: the database, the clock, the machine, and who hears of it."""

    searcher: Searcher
    states: StateReader
    clock: Clock
    host: Host
    listener: Listener = ignore


def measure(plan: MeasurePlan, *, instruments: Instruments) -> Measurement:
    """Ask every arm the same queries in turns and return what was seen.

    Raises:
        InconclusiveError: BEN001 when a collection is not green and idle, BEN005 when no query has an
            answer; nothing is measured then.
    """
    before = require_rest(plan.arms, plan.truth, states=instruments.states)
    run = _Run(plan, instruments=instruments)
    truth = run.find_truth()
    run.warm_up()
    run.take_turns(truth)
    after = tuple(instruments.states.state(state.collection) for state in before)
    *arms, control = run.samples()
    report = run.host_report()
    problems = [
        *changes(before, after),
        *host_problems(report, limits=plan.limits),
        *noise_problems(arms[-1].engine_ns, control.engine_ns, limits=plan.limits),
    ]
    return Measurement(
        plan=plan,
        arms=tuple(arms),
        control=control,
        states=before,
        host=report,
        empty_truths=sum(not answer.ids for answer in truth),
        duration_seconds=run.duration_seconds,
        problems=tuple(problems),
    )


def require_rest(arms: Sequence[Arm], truth: Arm, *, states: StateReader) -> tuple[SideState, ...]:
    """Return the state of every collection that takes part, all of them green and idle.

    Raises:
        InconclusiveError: BEN001, naming the collections that are not: a comparison with a busy side proves
            anything (tuning-qdrant-optimizer: 4.3 ms against 780 ms for the same query).
    """
    names = dict.fromkeys([truth.collection, *(arm.collection for arm in arms)])
    seen = tuple(states.state(name) for name in names)
    busy = [state for state in seen if not state.is_at_rest]
    if busy:
        told = ", ".join(
            f"`{state.collection}` is {state.status}" + ("" if state.is_idle else " and busy")
            for state in busy
        )
        raise InconclusiveError(
            f"nothing was measured: {told}",
            code="BEN001",
            why="an optimizer that still works makes one side look many times slower than it is",
            fix="wait until it is green and idle: opsctl collections status",
        )
    return seen


def turns(arms: int, spell: int) -> list[int]:
    """Return the order in which spell number `spell` goes to the arms.

    Over `2 * arms` spells each arm stands at each place twice, and directly behind each other arm twice, so
    that no arm lives on what another has warmed or suffers from what it has evicted more often than the rest.
    Source: Williams (1949), Australian Journal of Scientific Research 2: squares balanced for residual effects.
    The rows of each such cycle come in a seeded random order, which leaves no pattern across their borders.

    >>> sorted(turns(3, spell) for spell in range(6))
    [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]
    """
    cycle, place = divmod(spell, 2 * arms)
    rows = list(range(2 * arms))
    random.Random(cycle).shuffle(rows)  # noqa: S311 - an order, not a secret
    row, is_mirrored = divmod(rows[place], 2)
    zigzag = [step // 2 if step % 2 == 0 else arms - 1 - step // 2 for step in range(arms)]
    order = [(each + row) % arms for each in zigzag]
    return order[::-1] if is_mirrored else order


class _Run:
    """One measurement in progress."""

    def __init__(self, plan: MeasurePlan, *, instruments: Instruments) -> None:
        self._plan = plan
        self._searcher = instruments.searcher
        self._clock = instruments.clock
        self._host = instruments.host
        self._listener = instruments.listener
        self._arms = (*plan.arms, plan.arms[-1])
        self._engine: list[list[float]] = [[] for _ in self._arms]
        self._client: list[list[float]] = [[] for _ in self._arms]
        self._recalls: list[list[float]] = [[] for _ in self._arms]
        self._empty = [0] * len(self._arms)
        self._spins: list[SpinReading] = []
        self._process_seconds = 0.0
        self.duration_seconds = 0.0

    def find_truth(self) -> list[Answer]:
        """Return the exact answers of the first queries."""
        plan = self._plan
        chosen = plan.queries.vectors[: min(plan.truth_queries, plan.wanted)]
        with self._phase("exact truth", total=len(chosen)):
            answers = []
            for vector in chosen:
                answers.append(self._searcher.search(plan.truth.search(vector, limit=plan.limit, exact=True)))
                self._advance("exact truth", 1)
        empty = sum(not answer.ids for answer in answers)
        if empty == len(answers):
            raise _nothing_found(plan)
        if empty:
            message = f"{empty} of {len(answers)} queries have no answer at all; is the filter right?"
            self._listener(Noted(subject=plan.subject, message=message))
        return answers

    def warm_up(self) -> None:
        """Ask every arm some queries whose times do not count, the last ones of the set."""
        chosen = self._plan.queries.vectors[-self._plan.warm_up :] if self._plan.warm_up else ()
        for vector in chosen:
            for arm in self._plan.arms:
                self._searcher.search(arm.search(vector, limit=self._plan.limit))

    def take_turns(self, truth: Sequence[Answer]) -> None:
        """Measure block by block until enough queries are asked or the time is over."""
        plan, block = self._plan, self._plan.block_queries
        blocks = max(1, plan.wanted // block)
        cpu, start = self._host.process_seconds(), self._clock.monotonic()
        with self._phase("measuring", total=blocks * block), _without_garbage_collection():
            for number in range(blocks):
                self._measure_block(number * block, block, truth)
                self._spins.append(self._host.spin())
                self._advance("measuring", block)
                if self._clock.monotonic() - start >= plan.deadline_seconds:
                    break
        self.duration_seconds = self._clock.monotonic() - start
        self._process_seconds = self._host.process_seconds() - cpu

    def samples(self) -> list[ArmSamples]:
        """Return what was measured of each arm, the control last."""
        return [
            ArmSamples(
                arm=arm,
                engine_ns=self._blocks(self._engine[index]),
                client_ns=self._blocks(self._client[index]),
                recalls=tuple(self._recalls[index]),
                empty_answers=self._empty[index],
            )
            for index, arm in enumerate(self._arms)
        ]

    def host_report(self) -> HostReport:
        """Return how quiet the machine was."""
        share = self._process_seconds / self.duration_seconds if self.duration_seconds > 0 else 0.0
        return HostReport(
            starved_share=starved_share(self._spins),
            load_per_core=self._host.load_per_core(),
            client_cpu_share=share,
        )

    def _measure_block(self, first: int, size: int, truth: Sequence[Answer]) -> None:
        spell = min(SPELL_QUERIES, size)
        for start in range(first, first + size, spell):
            for index in turns(len(self._arms), start // spell):
                self._settle_in(index, start)
                for query in range(start, min(start + spell, first + size)):
                    self._ask(index, query, truth)

    def _settle_in(self, index: int, query: int) -> None:
        """Ask once without counting it: the first search of a turn pays for what other collections evicted."""
        vectors = self._plan.queries.vectors
        self._searcher.search(
            self._arms[index].search(vectors[(query - 1) % len(vectors)], limit=self._plan.limit)
        )

    def _ask(self, index: int, query: int, truth: Sequence[Answer]) -> None:
        vectors = self._plan.queries.vectors
        search = self._arms[index].search(vectors[query % len(vectors)], limit=self._plan.limit)
        answer = self._searcher.search(search)
        self._engine[index].append(answer.engine_seconds)
        self._client[index].append(answer.client_seconds)
        self._empty[index] += not answer.ids
        if query < len(truth):
            self._recalls[index].append(recall(answer, truth[query]))

    def _blocks(self, seconds: list[float]) -> "np.ndarray":
        import numpy as np

        nanoseconds = np.rint(np.asarray(seconds) * 1e9).astype(np.int64)
        return nanoseconds.reshape(-1, self._plan.block_queries)

    def _advance(self, phase: str, count: int) -> None:
        self._listener(PhaseAdvanced(subject=self._plan.subject, phase=phase, advance=count))

    def _phase(self, phase: str, *, total: int) -> AbstractContextManager[Phase]:
        return told_phase(
            self._plan.subject,
            phase,
            listener=self._listener,
            clock=self._clock,
            total=total,
            unit="queries",
        )


def _nothing_found(plan: MeasurePlan) -> InconclusiveError:
    return InconclusiveError(
        f"no query has an answer in `{plan.truth.collection}`",
        code="BEN005",
        why=f"no point passes {plan.truth.filter}" if plan.truth.filter else "the collection is empty",
        fix="check the names and values of the filter: opsctl catalog stats",
    )


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Keep the collector's pauses out of client times, as `timeit` does; a run makes no cycles to collect."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
