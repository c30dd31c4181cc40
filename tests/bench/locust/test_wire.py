"""Jobs, settings and frames travel as plain values and come out as they went in."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
from tests.bench.locust.target import job_for

from opsctl.bench.load.histogram import Histogram
from opsctl.bench.load.tally import Block, Frame, StageTime, Tally, Timings
from opsctl.bench.locust.settings import LocustSettings
from opsctl.bench.locust.wire import frame_from_plain, frame_to_plain, job_from_plain, job_to_plain


def _histogram(*microseconds: int) -> Histogram:
    made = Histogram()
    made.record_many(np.array(microseconds))
    return made


def test_a_job_comes_out_as_it_went_in():
    """Every field of a job survives, paths and headers too."""
    job = replace(
        job_for(8080),
        headers={"Authorization": "Bearer x"},
        folder=Path("ops/loads"),
        replay=Path("a.log"),
        run_id="r1",
    )

    assert job_from_plain(json.loads(json.dumps(job_to_plain(job)))) == job


def test_settings_come_out_as_they_went_in():
    """Every field of the settings survives."""
    settings = LocustSettings(locustfile=Path("a.py"), users=3, bind_port=5557, web_port=0)

    assert LocustSettings.from_plain(json.loads(json.dumps(settings.to_plain()))) == settings


def test_a_frame_comes_out_as_it_went_in():
    """Nothing of a tally is lost on its way."""
    tally = Tally(
        planned=3,
        sent=2,
        timings=Timings(response=_histogram(5, 70_000), failed=_histogram(9)),
        outcomes=Counter(ok=2, reset=1),
        statuses=Counter({200: 2}),
        reasons=Counter({"feed: reset": 1}),
        endpoints={"feed": Block(planned=3, errors=1, tiers=Counter({"HIT-L1": 2}), response=_histogram(5))},
        tiers={"HIT-L1": _histogram(5, 6)},
        stages={"MISS": {"rank": StageTime(seconds=0.5, answers=2)}},
        blocks={0: Block(planned=3, errors=1)},
        block_seconds=2,
        received_bytes=99,
    )
    frame = Frame(
        process=1, seconds=2.5, in_flight=3, waiting=4, new=tally, cpu_seconds=0.5, starved_seconds=0.1, resident_bytes=9,
        error="x",
    )  # fmt: skip

    assert frame_from_plain(json.loads(json.dumps(frame_to_plain(frame)))) == frame
