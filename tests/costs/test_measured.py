"""What a measurement says: tokens come apart into prompt and items, and what is wrong with it makes it count for nothing."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from opsctl.clients.exposition import parse_samples
from opsctl.core.clock import SystemClock
from opsctl.core.events import ignore
from opsctl.costs.inputs import Quantity
from opsctl.costs.measure import Answers, MeasurePlan, measure
from opsctl.costs.measured import (
    Arm,
    ArmResult,
    Measurement,
    Standing,
    measure_evidence,
    quantities_of,
    savings_of,
)
from opsctl.costs.reading import SUMS, Counters, sums_of
from opsctl.evidence.model import Verdict
from opsctl.metrics.contract import full_contract

ROOT = Path(__file__).parents[2]
PROMPT, ITEM, SCORE = 140.0, 60.0, 8.0
SHORTLIST = 24
PLAN = MeasurePlan(feeds=100, readers=50, warm_up=5, cached_feeds=500)


class ScriptedGround:
    """A service that makes a feed of 24 items for every reader whom it does not remember, in no time."""

    def __init__(
        self,
        *,
        degraded: int = 0,
        deaf: bool = False,
        failing: int = 0,
        leaky: bool = False,
        vectors_cpu_seconds: float = 0.004,
        line_bytes: int = 700,
    ) -> None:
        self._arm = Arm.BOTH
        self._remembered: set[int] = set()
        self._scored: set[int] = set()
        self._total = Counters(cpu_seconds={"service": 0.0, "vectors": 0.0, "postgres": 0.0}, log_bytes=0)
        self._vectors_cpu_seconds, self._line_bytes = vectors_cpu_seconds, line_bytes
        self._degraded, self._deaf, self._failing, self._leaky = degraded, deaf, failing, leaky

    def arrange(self, arm: Arm) -> None:
        """Forget everything."""
        self._arm = arm
        self._remembered, self._scored = set(), set()

    def ask(self, users: Sequence[int]) -> Answers:
        """Answer all of them but those that are to fail."""
        for user in users:
            self._answer(user)
        return Answers(
            answered=len(users) - self._failing, errors=self._failing, body_bytes=9_000 * len(users)
        )

    def read(self) -> Counters:
        """Return what was counted; nothing moves where the service is deaf."""
        return Counters() if self._deaf else self._total

    def standing(self) -> Standing:
        """Return sizes that nothing depends on here."""
        return Standing(item_row_bytes=3000, decision_bytes=900, series=1200)

    def _answer(self, user: int) -> None:
        has_caches = self._leaky or self._arm in (Arm.CACHES, Arm.BOTH, Arm.CACHED)
        is_made = not (has_caches and user in self._remembered)
        items = {user * 1000 + number for number in range(SHORTLIST)} if is_made else set()
        items -= self._scored if has_caches else set()
        self._remembered.add(user)
        self._scored |= items
        calls = len(items) if self._arm in (Arm.NEITHER, Arm.CACHES) else bool(items)
        before, cpu = self._total, self._total.cpu_seconds
        self._total = Counters(
            feeds=before.feeds + 1,
            made=before.made + is_made,
            degraded=before.degraded + self._degraded,
            calls=before.calls + calls,
            scored=before.scored + len(items),
            input_tokens=before.input_tokens + calls * PROMPT + len(items) * ITEM,
            output_tokens=before.output_tokens + len(items) * SCORE,
            searches=before.searches + is_made,
            statements=before.statements + 3 * is_made,
            log_bytes=(before.log_bytes or 0) + self._line_bytes * is_made,
            cpu_seconds={
                "service": cpu["service"] + (0.01 if is_made else 0.0002),
                "vectors": cpu["vectors"] + self._vectors_cpu_seconds * is_made,
                "postgres": cpu["postgres"] + 0.002 * is_made,
            },
            memory_bytes={"service": 250_000_000, "postgres": 150_000_000},
        )


def measured(ground: ScriptedGround | None = None) -> Measurement:
    """Return a measurement of a scripted ground."""
    return measure(PLAN, ground=ground or ScriptedGround(), clock=SystemClock(), listener=ignore)


def test_what_a_feed_uses_is_found_again():
    """Everything that the scripted service was told to use, out of its counters alone."""
    found = quantities_of(measured())

    expected = {
        Quantity.PROMPT_TOKENS: PROMPT,
        Quantity.ITEM_TOKENS: ITEM,
        Quantity.SCORE_TOKENS: SCORE,
        Quantity.SCORED_A_FEED: SHORTLIST,
        Quantity.ITEMS_A_CALL: SHORTLIST,
        Quantity.SERVICE_CPU_MADE: 0.01,
        Quantity.SERVICE_CPU_HIT: 0.0002,
        Quantity.VECTORS_CPU_MADE: 0.004,
        Quantity.DATABASE_CPU_MADE: 0.002,
        Quantity.LOG_BYTES_MADE: 700,
        Quantity.ANSWER_BYTES: 9_000,
        Quantity.SERVICE_MEMORY: 250_000_000,
        Quantity.SERIES: 1200,
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-6), name


def test_what_nothing_counts_is_left_out_and_not_nothing():
    """Without PgBouncer nobody knows what the database sends."""
    assert Quantity.DATABASE_BYTES_SENT not in quantities_of(measured())


def test_every_arm_asks_for_the_same_feeds():
    """Else a difference could be of the readers; only the arm of cached feeds asks for others."""
    sequences = {tuple(PLAN.users(arm)) for arm in Arm if arm is not Arm.CACHED}

    assert len(sequences) == 1
    assert set(PLAN.users(Arm.CACHED)) <= set(PLAN.warming(Arm.CACHED))
    assert not set(PLAN.warming(Arm.BOTH)) & set(PLAN.users(Arm.BOTH))


def test_caches_and_batches_save_what_they_save():
    """In this traffic more than half of the feeds are asked for again, and a call holds 24 items."""
    saved = savings_of(measured())

    made = len(set(PLAN.users(Arm.BOTH))) / PLAN.feeds
    assert saved["searches"] == pytest.approx(1 - made)
    assert saved["input_tokens"] == pytest.approx(1 - made * (PROMPT + 24 * ITEM) / (24 * (PROMPT + ITEM)))


@pytest.mark.parametrize(
    ("ground", "problem"),
    [
        (ScriptedGround(failing=3), "3 feeds were not answered"),
        (ScriptedGround(deaf=True), "counters did not move"),
        (ScriptedGround(degraded=1), "of a lower tier"),
        (ScriptedGround(leaky=True), "came from a cache that was to be off"),
        (ScriptedGround(vectors_cpu_seconds=-0.001), "the CPU time of vectors went back"),
        (ScriptedGround(line_bytes=0), "left no line in the log"),
    ],
)
def test_a_measurement_with_something_wrong_counts_for_nothing(ground: ScriptedGround, problem: str):
    """Its record is inconclusive, so that no estimate takes it."""
    found = measured(ground)
    record = measure_evidence(
        found, inputs={}, simulated=("readers",), started_at=datetime(2026, 11, 29, tzinfo=UTC)
    )

    assert any(problem in each for each in found.problems)
    assert record.verdict is Verdict.INCONCLUSIVE
    assert measured().verdict is Verdict.PASS


@given(
    prompt=st.floats(min_value=0, max_value=5_000),
    item=st.floats(min_value=1, max_value=1_000),
    batch=st.integers(min_value=2, max_value=64),
)
def test_two_sizes_of_batch_tell_prompt_and_items_apart(prompt: float, item: float, batch: int):
    """Whatever they are."""

    def arm(items_a_call: int) -> ArmResult:
        scored, calls = 640.0 * batch, 640.0 * batch / items_a_call
        grown = Counters(
            feeds=640, made=640, calls=calls, scored=scored, input_tokens=calls * prompt + scored * item
        )
        return ArmResult(arm=Arm.BOTH, grown=grown, errors=0, answer_bytes=None)

    found = quantities_of(
        Measurement(
            arms={Arm.NEITHER: arm(1), Arm.BATCHES: arm(batch)}, standing=Standing(), problems=(), seconds=1
        )
    )

    assert found.get(Quantity.PROMPT_TOKENS, 0.0) == pytest.approx(prompt, rel=1e-6, abs=1e-6)
    assert found.get(Quantity.ITEM_TOKENS, item) == pytest.approx(item, rel=1e-6)


def test_counters_are_summed_over_labels():
    """Of the requests only the feeds that were answered, of the tokens each direction."""
    text = """
    ranking_requests_total{route="feed",status="2xx"} 7
    ranking_requests_total{route="feed",status="5xx"} 2
    ranking_requests_total{route="health",status="2xx"} 9
    ranking_feeds_total{tier="multi_agent",segment="cold"} 3
    ranking_feeds_total{tier="simple",segment="cold"} 1
    ranking_model_tokens_total{direction="input"} 100
    ranking_model_tokens_total{direction="output"} 10
    ranking_model_items_total{outcome="scored"} 5
    ranking_model_items_total{outcome="dropped"} 4
    """

    sums = sums_of(parse_samples(text))

    assert (sums["feeds"], sums["made"], sums["scored"]) == (7, 4, 5)
    assert (sums["input_tokens"], sums["output_tokens"], sums["calls"]) == (100, 10, 0)


def test_the_names_of_the_counters_are_those_of_the_contract():
    """A metric or a label that is renamed would be read as nothing for ever."""
    known = full_contract()

    for metric, labels in SUMS.values():
        series = known.series(metric)
        assert series is not None, metric
        assert all(value in series.labels[name] for name, value in labels.items()), metric


def test_a_measurement_of_another_size_is_of_something_else():
    """The checklist asks for the project; fifty feeds would pass for three hundred."""
    assert MeasurePlan().subject == "project"
    assert MeasurePlan(feeds=50).subject == "project, 50 feeds of 300 readers"
    assert MeasurePlan(readers=10).subject == "project, 300 feeds of 10 readers"


def test_the_checklist_asks_for_what_a_measurement_is_of():
    """Else its item would be unknown for ever."""
    book = yaml.safe_load((ROOT / "ops" / "checklist.yaml").read_text())
    asked = {
        query["subject"]
        for item in book["items"].values()
        for query in item.get("all", [])
        if query.get("kind") == "costs.measure"
    }

    assert asked == {MeasurePlan().subject}
