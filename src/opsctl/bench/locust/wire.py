"""How do jobs and tallies travel between the parent, Locust's master and its workers: as plain values, without loss."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from opsctl.bench.load.book import LoadBook
from opsctl.bench.load.histogram import Histogram
from opsctl.bench.load.ports import Address, LoadJob
from opsctl.bench.load.tally import Block, Frame, StageTime, Tally, Timings

Plain = dict[str, Any]
"""Values that both JSON and msgpack carry: every key is text."""


_PATHS = ("folder", "replay")


def job_to_plain(job: LoadJob) -> Plain:
    """Return a job as plain values; they hold the headers, and with them a key to the service."""
    address = {field.name: getattr(job.address, field.name) for field in fields(Address)}
    plain = {field.name: getattr(job, field.name) for field in fields(LoadJob)}
    return plain | {
        "book": job.book.model_dump(mode="json"),
        "address": address | {"ca_file": _path_to_plain(job.address.ca_file)},
        "headers": dict(job.headers),
        **{name: _path_to_plain(plain[name]) for name in _PATHS},
    }


def job_from_plain(plain: Mapping[str, Any]) -> LoadJob:
    """Read what `job_to_plain` wrote."""
    address = Address(**{**plain["address"], "ca_file": _path_from_plain(plain["address"]["ca_file"])})
    paths = {name: _path_from_plain(plain[name]) for name in _PATHS}
    return LoadJob(**{**plain, "book": LoadBook.model_validate(plain["book"]), "address": address, **paths})


def frame_to_plain(frame: Frame) -> Plain:
    """Return a frame as plain values."""
    plain = {field.name: getattr(frame, field.name) for field in fields(Frame) if field.name != "new"}
    return plain | {"new": tally_to_plain(frame.new)}


def frame_from_plain(plain: Mapping[str, Any]) -> Frame:
    """Read what `frame_to_plain` wrote."""
    return Frame(**{**plain, "new": tally_from_plain(plain["new"])})


def tally_to_plain(tally: Tally) -> Plain:
    """Return a tally as plain values."""
    return {
        "planned": tally.planned,
        "sent": tally.sent,
        "timings": {field.name: getattr(tally.timings, field.name).to_sparse() for field in fields(Timings)},
        "outcomes": dict(tally.outcomes),
        "statuses": {str(status): count for status, count in tally.statuses.items()},
        "reasons": dict(tally.reasons),
        "endpoints": {name: _block_to_plain(block) for name, block in tally.endpoints.items()},
        "tiers": {name: histogram.to_sparse() for name, histogram in tally.tiers.items()},
        "stages": {
            tier: {name: [time.seconds, time.answers] for name, time in stages.items()}
            for tier, stages in tally.stages.items()
        },
        "blocks": {str(second): _block_to_plain(block) for second, block in tally.blocks.items()},
        "block_seconds": tally.block_seconds,
        "received_bytes": tally.received_bytes,
    }


def tally_from_plain(plain: Mapping[str, Any]) -> Tally:
    """Read what `tally_to_plain` wrote."""
    return Tally(
        planned=plain["planned"],
        sent=plain["sent"],
        timings=Timings(**{name: Histogram.from_sparse(sparse) for name, sparse in plain["timings"].items()}),
        outcomes=Counter(plain["outcomes"]),
        statuses=Counter({int(status): count for status, count in plain["statuses"].items()}),
        reasons=Counter(plain["reasons"]),
        endpoints={name: _block_from_plain(block) for name, block in plain["endpoints"].items()},
        tiers={name: Histogram.from_sparse(sparse) for name, sparse in plain["tiers"].items()},
        stages={
            tier: {name: StageTime(seconds=time[0], answers=time[1]) for name, time in stages.items()}
            for tier, stages in plain["stages"].items()
        },
        blocks={int(second): _block_from_plain(block) for second, block in plain["blocks"].items()},
        block_seconds=plain["block_seconds"],
        received_bytes=plain["received_bytes"],
    )


def _block_to_plain(block: Block) -> Plain:
    return {
        "planned": block.planned,
        "errors": block.errors,
        "tiers": dict(block.tiers),
        "response": block.response.to_sparse(),
    }


def _block_from_plain(plain: Mapping[str, Any]) -> Block:
    return Block(
        planned=plain["planned"],
        errors=plain["errors"],
        tiers=Counter(plain["tiers"]),
        response=Histogram.from_sparse(plain["response"]),
    )


def _path_to_plain(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _path_from_plain(plain: str | None) -> Path | None:
    return None if plain is None else Path(plain)
