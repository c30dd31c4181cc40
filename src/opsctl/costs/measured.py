"""What does one feed use, with caches and batches and without: figures of the service's own counters, and their record."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from opsctl.costs.inputs import Quantity
from opsctl.costs.reading import Counters
from opsctl.evidence.model import Evidence, Verdict

MEASURE_KIND = "costs.measure"
SUBJECT = "project"
"""Of a measurement as large as the checklist asks for; smaller and larger ones are of something else."""
VALID_FOR = timedelta(days=30)

Figure = float | int | str | None


class Arm(StrEnum):
    """How the service is run while it is measured."""

    NEITHER = "neither"
    CACHES = "caches"
    BATCHES = "batches"
    BOTH = "both"
    CACHED = "cached"
    """As `both`, every feed asked for again and again: what an answer from the cache uses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is there whoever asks: sizes on disk, series, and what it takes to embed an item; None is not known."""

    item_row_bytes: float | None = None
    decision_bytes: float | None = None
    vector_disk_bytes: float | None = None
    series: int | None = None
    embedding_cpu_seconds: float | None = None
    embedding_tokens: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmResult:
    """What one arm used; errors make it count for nothing."""

    arm: Arm
    grown: Counters
    errors: int
    answer_bytes: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """Everything that `costs measure` saw."""

    arms: Mapping[Arm, ArmResult]
    standing: Standing
    problems: tuple[str, ...]
    seconds: float

    @property
    def verdict(self) -> Verdict:
        """Return `inconclusive` where something is wrong with it; it is a measurement, so nothing fails."""
        return Verdict.INCONCLUSIVE if self.problems else Verdict.PASS


def quantities_of(measurement: Measurement) -> dict[Quantity, float]:
    """Return what an estimate needs of a measurement; what was not seen is left out."""
    arms, standing = measurement.arms, measurement.standing
    found: dict[Quantity, float | None] = {
        Quantity.ITEM_ROW_BYTES: standing.item_row_bytes,
        Quantity.DECISION_BYTES: standing.decision_bytes,
        Quantity.VECTOR_DISK_BYTES: standing.vector_disk_bytes,
        Quantity.SERIES: standing.series,
        Quantity.EMBEDDING_CPU: standing.embedding_cpu_seconds,
        Quantity.EMBEDDING_TOKENS: standing.embedding_tokens,
    }
    if (cached := arms.get(Arm.CACHED)) is not None:
        found[Quantity.SERVICE_CPU_HIT] = _each(cached.grown.cpu_seconds.get("service"), cached.grown.feeds)
        found[Quantity.ANSWER_BYTES] = cached.answer_bytes
    if (batches := arms.get(Arm.BATCHES)) is not None:
        found |= _of_made(batches.grown)
    if (neither := arms.get(Arm.NEITHER)) is not None and batches is not None:
        found |= dict(_tokens(neither.grown, batches.grown))
    if (both := arms.get(Arm.BOTH)) is not None:
        found[Quantity.SERVICE_MEMORY] = both.grown.memory_bytes.get("service")
        found[Quantity.DATABASE_MEMORY] = both.grown.memory_bytes.get("postgres")
    return {name: value for name, value in found.items() if value is not None}


def _of_made(grown: Counters) -> dict[Quantity, float | None]:
    """Return what a made feed needs, from an arm in which every feed was made."""
    cpu = grown.cpu_seconds
    pooler = cpu.get("pooler", 0.0)
    postgres = cpu.get("postgres")
    return {
        Quantity.SERVICE_CPU_MADE: _each(cpu.get("service"), grown.made),
        Quantity.VECTORS_CPU_MADE: _each(cpu.get("vectors"), grown.made),
        Quantity.DATABASE_CPU_MADE: _each(None if postgres is None else postgres + pooler, grown.made),
        Quantity.SCORED_A_FEED: _each(grown.scored, grown.made),
        Quantity.ITEMS_A_CALL: _each(grown.scored, grown.calls),
        Quantity.SCORE_TOKENS: _each(grown.output_tokens, grown.scored),
        Quantity.DATABASE_BYTES_SENT: _each(grown.database_sent_bytes, grown.made),
        Quantity.LOG_BYTES_MADE: _each(grown.log_bytes, grown.made),
    }


def _tokens(single: Counters, batched: Counters) -> Iterator[tuple[Quantity, float]]:
    """Yield the tokens of the prompt and of an item: two sizes of batch make two equations.

    A call of b items has `prompt + b * item` input tokens, so an item's share is `prompt / b + item`.
    """
    if not (single.calls and batched.calls and single.scored and batched.scored):
        return
    few, many = single.scored / single.calls, batched.scored / batched.calls
    if many <= few:
        return
    share_few, share_many = single.input_tokens / single.scored, batched.input_tokens / batched.scored
    prompt = (share_few - share_many) / (1 / few - 1 / many)
    item = share_many - prompt / many
    if prompt >= 0 and item >= 0:
        yield Quantity.PROMPT_TOKENS, prompt
        yield Quantity.ITEM_TOKENS, item


def _each(amount: float | None, count: float) -> float | None:
    return amount / count if amount is not None and count else None


def savings_of(measurement: Measurement) -> dict[str, float | None]:
    """Return the part of each use of an asked feed that caches and batches saved together in this traffic."""
    arms = measurement.arms
    if Arm.NEITHER not in arms or Arm.BOTH not in arms:
        return {}
    before, after = per_feed(arms[Arm.NEITHER].grown), per_feed(arms[Arm.BOTH].grown)
    return {name: _saved(amount, after.get(name)) for name, amount in before.items()}


def _saved(before: float | None, after: float | None) -> float | None:
    return None if not before or after is None else 1 - after / before


def measure_evidence(
    measurement: Measurement,
    *,
    subject: str = SUBJECT,
    inputs: Mapping[str, str],
    simulated: tuple[str, ...],
    started_at: datetime,
) -> Evidence:
    """Return the record of a measurement; `figures.quantities` is what an estimate reads."""
    return Evidence(
        kind=MEASURE_KIND,
        subject=subject,
        verdict=measurement.verdict,
        figures=measure_figures(measurement),
        inputs=dict(inputs),
        tools={},
        started_at=started_at,
        duration_seconds=round(measurement.seconds, 3),
        valid_for=VALID_FOR,
        simulated=simulated,
    )


def measure_figures(measurement: Measurement) -> dict[str, object]:
    """Return the figures: quantities by name, what an asked feed used in each arm, and what was saved."""
    return {
        "quantities": {
            name.name.lower(): _rounded(value) for name, value in quantities_of(measurement).items()
        },
        "arms": {arm.value: dict(_arm_figures(result)) for arm, result in measurement.arms.items()},
        "saved_ratio": {name: _rounded(saved) for name, saved in savings_of(measurement).items()},
        "problems": "; ".join(measurement.problems) or "none",
    }


def _arm_figures(result: ArmResult) -> Iterator[tuple[str, Figure]]:
    grown = result.grown
    yield "feeds", round(grown.feeds)
    yield "errors", result.errors
    yield "made_ratio", _rounded(_each(grown.made, grown.feeds))
    for name, amount in per_feed(grown).items():
        yield name, _rounded(amount)


def per_feed(grown: Counters) -> dict[str, float | None]:
    """Return what an asked feed used on average, by name."""
    return {
        "model_calls": _each(grown.calls, grown.feeds),
        "items_scored": _each(grown.scored, grown.feeds),
        "input_tokens": _each(grown.input_tokens, grown.feeds),
        "output_tokens": _each(grown.output_tokens, grown.feeds),
        "searches": _each(grown.searches, grown.feeds),
        "statements": _each(grown.statements, grown.feeds),
        **{
            f"{part}_cpu_seconds": _each(seconds, grown.feeds)
            for part, seconds in sorted(grown.cpu_seconds.items())
        },
    }


def _rounded(value: float | None) -> float | None:
    """Return six significant digits."""
    return None if value is None else float(f"{value:.6g}")
