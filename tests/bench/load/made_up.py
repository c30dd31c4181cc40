"""Loads that were never sent: blocks drawn from a made-up service, summarised as real ones are."""

from collections import Counter

import numpy as np

from opsctl.bench.load.book import LoadBook
from opsctl.bench.load.histogram import Histogram
from opsctl.bench.load.plan import ArrivalPlan
from opsctl.bench.load.ports import Address, EngineResult, LoadJob
from opsctl.bench.load.series import Unit
from opsctl.bench.load.summarise import Run, summarise
from opsctl.bench.load.tally import Block, Frame, Tally
from opsctl.bench.load.timeline import Timeline

MACHINE = {"machine.cpu": "abacus", "engine.version": "1.2.3"}


def a_job(*, rate=200.0, seconds=60.0, gates=("p99 < 500ms",), port=8080, **changes):
    """Make a job that sends feeds at a steady rate."""
    book = {
        "mix": {"feed": {"share": 1, "path": "/v1/feed/{user}"}},
        "arrivals": [{"shape": "constant", "rate": rate, "duration": f"{seconds}s"}],
        "gates": list(gates),
    }
    address = Address(host="127.0.0.1", port=port)
    return LoadJob(name="standard", book=LoadBook.model_validate(book | changes), address=address)


def correlated(random, count, *, correlation):
    """Draw a row of standard normal values, each resembling the one before."""
    noise = random.standard_normal(count)
    row = np.empty(count)
    row[:1] = noise[:1]
    for place in range(1, count):
        row[place] = correlation * row[place - 1] + np.sqrt(1 - correlation**2) * noise[place]
    return row


def some_units(
    random, *, seconds=60, rate=200, middle=0.002, drift=0.05, correlation=0.5, errors=0.0, hits=0.8
):
    """Draw the seconds of a load whose speed drifts: neighbouring seconds resemble each other."""
    rates = np.full(seconds, rate) if np.isscalar(rate) else np.asarray(rate)
    speeds = middle * np.exp(drift * correlated(random, len(rates), correlation=correlation))
    return [
        _unit(random, count=int(count), middle=speed, errors=errors, hits=hits)
        for count, speed in zip(rates, speeds, strict=True)
    ]


def made_report(job, random, *, middle=0.002, errors=0.0, lag=0.00005, starved=0.0, wait=0.0, share_sent=1.0):
    """Return the report of a job that a made-up service answered; `lag`, `starved` and `wait` are the sender's lot."""
    seconds = max(1, round(job.book.duration_seconds))
    rate = round(job.book.arrivals[0].rate)
    total = Tally()
    for second in range(seconds):
        unit = _unit(random, count=rate, middle=middle, errors=errors, hits=0.8)
        block = Block(planned=unit.planned, errors=unit.errors, response=unit.response)
        block.tiers = Counter({"HIT-L1": unit.hits, "MISS": unit.named - unit.hits})
        total.blocks[second] = block
        total.timings.response.merge(unit.response)
        total.timings.service.merge(unit.response)
        total.outcomes.update({"ok": unit.planned - unit.errors, "bad_status": unit.errors})
        total.tiers.setdefault("HIT-L1", Histogram()).record_many(np.full(unit.hits, 900.0))
        total.tiers.setdefault("MISS", Histogram()).record_many(np.full(unit.planned - unit.hits, 9000.0))
    total.planned = rate * seconds
    total.sent = round(total.planned * share_sent)
    total.statuses = Counter({200: total.outcomes["ok"], 500: total.outcomes["bad_status"]})
    total.timings.generator_lag.record_many(np.full(total.planned, lag * 1e6))
    total.timings.queue_wait.record_many(np.full(total.planned, wait * 1e6))
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
        total=total, seconds=float(seconds), cpu_cores=0.5, starved_share=starved, resident_bytes=1
    )
    return summarise(
        Run(
            job=job,
            engine="opsctl",
            loop="open",
            result=result,
            arrivals=ArrivalPlan(job.book.arrivals, seed=job.book.seed),
            timeline=timeline,
            machine=MACHINE,
            git_commit="4478177c0ffee",
        )
    )


def _unit(random, *, count, middle, errors, hits):
    response = Histogram()
    response.record_many(random.lognormal(np.log(middle * 1e6), 0.3, count))
    return Unit(
        seconds=1.0,
        planned=count,
        errors=int(random.binomial(count, errors)),
        hits=int(random.binomial(count, hits)),
        named=count,
        response=response,
    )
