"""Load reports to show: made from synthetic requests with a seed, so that all their parts agree with each other."""

import math
from collections import Counter
from dataclasses import replace
from functools import cache

import numpy as np

from opsctl.bench.load.book import LoadBook
from opsctl.bench.load.histogram import Histogram
from opsctl.bench.load.model import GateCheck, LoadReport, LoadTick, Percentiles, Point, Recall
from opsctl.bench.load.plan import ArrivalPlan
from opsctl.bench.load.ports import Address, EngineResult, LoadJob
from opsctl.bench.load.summarise import Run, summarise
from opsctl.bench.load.tally import Block, Frame, StageTime, Tally
from opsctl.bench.load.timeline import Timeline
from opsctl.core.findings import Finding, Severity
from opsctl.evidence.model import Verdict

SHARES = (0.5, 0.9, 0.95, 0.99, 0.999)
TIERS = {"HIT-L1": (0.82, 0.0009), "STALE": (0.03, 0.001), "HIT-L2": (0.06, 0.004), "MISS": (0.09, 0.018)}
STAGES = {
    "HIT-L1": {"edge": 0.00004},
    "HIT-L2": {"encode": 0.0002, "edge": 0.0021},
    "MISS": {
        "reader": 0.0031,
        "retrieve": 0.0048,
        "content": 0.0021,
        "score": 0.0017,
        "rank": 0.0011,
        "log": 0.0002,
        "encode": 0.0003,
        "edge": 0.0142,
    },
}
HOSTILE = "</title><script>alert(1)</script><img src=x onerror=alert(2)>|`[x](http://a)` [red]*_"


def percentiles(seconds) -> Percentiles:
    """Summarise seconds as the real summary does: nothing that the sample does not support."""
    if not len(seconds):
        return Percentiles(count=0, mean_seconds=0.0, maximum_seconds=0.0, estimates=())
    histogram = histogram_of(seconds)
    estimates = [histogram.estimate(share) for share in SHARES]
    return Percentiles(
        count=histogram.count,
        mean_seconds=histogram.mean_microseconds / 1e6,
        maximum_seconds=histogram.largest_microseconds / 1e6,
        estimates=tuple(each for each in estimates if each is not None),
    )


def histogram_of(seconds) -> Histogram:
    """Record seconds."""
    histogram = Histogram()
    histogram.record_many(np.asarray(seconds) * 1e6)
    return histogram


def a_report(
    *, rate=400, seconds=60, seed=1, stall=(24, 6), slower=1.0, error_share=0.0005, **changes
) -> LoadReport:
    """Make the report of a run whose service stalled for a while; `changes` replace fields of it."""
    made = _made(rate=rate, seconds=seconds, seed=seed, stall=stall, slower=slower, error_share=error_share)
    return replace(made, **changes)


# Many tests ask for the same run, some of them while they are collected.
@cache
def _made(*, rate, seconds, seed, stall, slower, error_share) -> LoadReport:
    random = np.random.default_rng(seed)
    total = rate * seconds
    planned_at = (np.arange(total) + 0.5) / rate
    names, shares = list(TIERS), [share for share, _ in TIERS.values()]
    warmth = np.clip(planned_at / max(seconds, 1), 0, 1)
    tier = random.choice(len(names), size=total, p=shares) if total else np.zeros(0, dtype=int)
    tier = np.where((tier == 0) & (random.random(total) > 0.75 + 0.25 * warmth), 3, tier)
    middles = np.array([middle for _, middle in TIERS.values()])
    service = random.lognormal(0, 0.35, total) * middles[tier] * slower
    queue = np.zeros(total)
    began, length = stall
    for second in range(length):
        inside = (planned_at >= began + second) & (planned_at < began + second + 1)
        queue[inside] = 0.12 * slower * (second + 1) * random.random(int(inside.sum()))
    lag = random.exponential(0.00005, total)
    response = lag + queue + service
    bad = random.random(total) < error_share
    kinds = random.choice(["bad_status", "timed_out", "reset"], size=total, p=[0.6, 0.3, 0.1])
    outcomes = Counter({"ok": int(total - bad.sum())}) + Counter(kinds[bad].tolist())
    counts = Counter(names[index] for index in tier.tolist())
    hits = counts["HIT-L1"] + counts["STALE"]
    return LoadReport(
        load="standard",
        title="Feeds and trending items of the marketplace",
        engine="opsctl",
        loop="open",
        target="http://127.0.0.1:8080",
        plan_digest="9f2c4d7e" * 8,
        book_digest="51b0aa3c" * 8,
        seed=seed,
        processes=2,
        connections=64,
        duration_seconds=float(seconds),
        planned=total,
        sent=total,
        answered=total - outcomes["timed_out"],
        planned_rate=float(rate),
        achieved_rate=rate * 0.9997,
        goodput_rate=outcomes["ok"] / seconds if seconds else 0.0,
        outcomes=dict(outcomes),
        statuses={"200": outcomes["ok"], "503": outcomes["bad_status"]},
        reasons={"status 503, expected 200": outcomes["bad_status"]} if outcomes["bad_status"] else {},
        error_rate=float(bad.mean()) if total else 0.0,
        response=percentiles(response),
        service=percentiles(service),
        generator_lag=percentiles(lag),
        queue_wait=percentiles(queue),
        endpoints={"feed": percentiles(response[::4]), "trending": percentiles(response[1::40])},
        tiers={
            name: percentiles(response[tier == place]) for place, name in enumerate(names) if counts[name]
        },
        tier_counts=dict(counts),
        hit_ratio=hits / total if total else None,
        stages=STAGES if total else {},
        points=_points(planned_at, response, bad, tier, names, seconds=seconds),
        histograms={
            "response": histogram_of(response).to_sparse(),
            "service": histogram_of(service).to_sparse(),
        },
        recall=None,
        gates=(),
        problems=(),
        sender={"cpu_cores": 0.71, "starved_share": 0.012, "resident_bytes": 84.0 * 1024**2},
        aborted="",
        fingerprint={"machine.cpu": "abacus", "machine.cores": "2", "engine.version": "1.2.3"},
        git_commit="4478177c0ffee",
        verdict=Verdict.PASS,
    )


def _points(planned_at, response, bad, tier, names, *, seconds) -> tuple[Point, ...]:
    points = []
    for second in range(seconds):
        inside = (planned_at >= second) & (planned_at < second + 1)
        estimates = percentiles(response[inside])
        at = {share: found.value if (found := estimates.at(share)) else None for share in (0.5, 0.95, 0.99)}
        points.append(
            Point(
                second=float(second),
                length_seconds=1.0,
                planned=int(inside.sum()),
                answered=int(inside.sum()),
                errors=int(bad[inside].sum()),
                p50_seconds=at[0.5],
                p95_seconds=at[0.95],
                p99_seconds=at[0.99],
                tiers=dict(Counter(names[index] for index in tier[inside].tolist())),
            )
        )
    return tuple(points)


def a_gate(gate="p99 < 500ms", *, value, limit, unit="s", verdict=Verdict.PASS, width=0.04, is_abort=False):
    """Make a gate that was checked; its metric is its first word."""
    low, high = (None, None) if value is None else (value * (1 - width), value * (1 + width))
    return GateCheck(
        gate=gate,
        metric=gate.split()[0],
        limit=limit,
        value=value,
        low=low,
        high=high,
        unit=unit,
        verdict=verdict,
        is_abort=is_abort,
    )


def gates_of(report, *, p99_limit=0.5, hit_limit=0.7, hit_verdict=Verdict.PASS):
    """Make the checks of four gates on what a report measured."""
    tail = report.response.at(0.99)
    p99 = tail.value if tail else None
    late = p99 is not None and p99 > p99_limit
    return (
        a_gate(
            f"p99 < {p99_limit * 1000:.0f}ms",
            value=p99,
            limit=p99_limit,
            verdict=Verdict.FAIL if late else Verdict.PASS,
        ),
        a_gate("error_rate < 0.1%", value=report.error_rate, limit=0.001, unit="share", width=0.4),
        a_gate(
            f"hit_ratio > {hit_limit:.0%}",
            value=report.hit_ratio,
            limit=hit_limit,
            unit="share",
            verdict=hit_verdict,
            width=0.01,
        ),
        a_gate("recall >= 0.95", value=0.981, limit=0.95, unit="", width=0.01),
    )


def holding(**changes) -> LoadReport:
    """Make a run that meets its gates."""
    recall = Recall(searches=240, limit=10, value=0.981, low=0.971, high=0.988, skipped=12)
    made = a_report(**({"recall": recall, "simulated": ("scoring model",)} | changes))
    return made if made.gates else replace(made, gates=gates_of(made))


def missing(**changes) -> LoadReport:
    """Make a run that misses one gate and cannot tell another."""
    made = a_report(**({"verdict": Verdict.FAIL} | changes))
    gates = gates_of(made, p99_limit=0.1, hit_limit=0.75, hit_verdict=Verdict.INCONCLUSIVE)
    return made if made.gates else replace(made, gates=gates[:3])


def invalid(**changes) -> LoadReport:
    """Make a run whose generator came too late."""
    late = Finding(
        code="BEN031",
        severity=Severity.ERROR,
        title="the sender came late: generator lag p99 is 92 ms, allowed are 50 ms",
        evidence="CPU starvation 31% in 2 processes",
        fix="end other work on this machine, or raise `processes` in the book",
    )
    made = a_report(**({"problems": (late,), "verdict": Verdict.INCONCLUSIVE} | changes))
    return made if made.gates else replace(made, gates=gates_of(made))


def empty(**changes) -> LoadReport:
    """Make a run that ended before anything was planned."""
    return a_report(
        **(
            {
                "rate": 0,
                "seconds": 0,
                "verdict": Verdict.INCONCLUSIVE,
                "hit_ratio": None,
                "aborted": "interrupted",
            }
            | changes
        )
    )


def a_tick(second=10.0, **changes) -> LoadTick:
    """Make the state of a running load."""
    tick = LoadTick(
        subject="standard",
        seconds=second,
        total_seconds=60.0,
        planned_rate=2000.0,
        achieved_rate=1998.2,
        in_flight=12,
        waiting=3,
        percentiles_seconds={0.5: 0.0011, 0.95: 0.0042, 0.99: 0.021 + 0.01 * math.sin(second)},
        errors=4,
        answered=int(1998 * second),
        tiers={"HIT-L1": 1650, "STALE": 20, "HIT-L2": 130, "MISS": 200},
        phase="poisson 2,000/s",
    )
    return replace(tick, **changes)


def summarised(
    *, rate=200, seconds=20, gates=("p99 < 500ms", "error_rate < 1%", "hit_ratio > 10%")
) -> LoadReport:
    """Make a report with the real summary, of requests that were never sent."""
    book = LoadBook.model_validate(
        {
            "title": "made up",
            "mix": {"feed": {"share": 1, "path": "/v1/feed/{user}"}},
            "arrivals": [{"shape": "constant", "rate": rate, "duration": f"{seconds}s"}],
            "gates": list(gates),
        }
    )
    total = _tally(np.random.default_rng(1), rate=rate, seconds=seconds)
    timeline = Timeline()
    timeline.add(
        Frame(
            process=0,
            seconds=float(seconds),
            in_flight=0,
            waiting=0,
            new=total,
            cpu_seconds=1.0,
            starved_seconds=0.0,
            resident_bytes=1,
            is_last=True,
        )
    )
    result = EngineResult(
        total=total, seconds=float(seconds), cpu_cores=0.5, starved_share=0.0, resident_bytes=64 * 1024**2
    )
    return summarise(
        Run(
            job=LoadJob(name="standard", book=book, address=Address(host="127.0.0.1", port=8080)),
            engine="opsctl",
            loop="open",
            result=result,
            arrivals=ArrivalPlan(book.arrivals, seed=book.seed),
            timeline=timeline,
        )
    )


def _tally(random, *, rate, seconds) -> Tally:
    total = Tally()
    names = list(TIERS)
    for second in range(seconds):
        block = Block(planned=rate)
        for tier, count in zip(
            names, random.multinomial(rate, [share for share, _ in TIERS.values()]), strict=True
        ):
            micros = random.lognormal(0, 0.3, count) * TIERS[tier][1] * 1e6
            block.tiers[tier] += int(count)
            block.response.record_many(micros)
            total.tiers.setdefault(tier, Histogram()).record_many(micros)
            total.timings.service.record_many(micros)
        total.blocks[second] = block
        total.timings.response.merge(block.response)
    total.timings.generator_lag.record_many(random.exponential(40, rate * seconds))
    total.timings.queue_wait.record_many(np.zeros(rate * seconds))
    total.planned = total.sent = rate * seconds
    total.outcomes["ok"] = rate * seconds
    total.statuses[200] = rate * seconds
    total.endpoints["feed"] = Block(planned=total.planned, response=total.timings.response)
    total.stages["MISS"] = {
        "retrieve": StageTime(seconds=0.5, answers=100),
        "edge": StageTime(seconds=0.9, answers=100),
    }
    return total
