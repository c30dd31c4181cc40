"""Which runs were made, and what exactly was measured: one file a run, samples or histograms included."""

import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.bench.baselines import Baselines
from opsctl.bench.fingerprint import Fingerprint, data, from_json
from opsctl.bench.load.model import LoadReport
from opsctl.bench.load.stored import fingerprint_of, plain_report, report_of
from opsctl.bench.model import LatencyRun
from opsctl.bench.packing import pack, pack_json, unpack, unpack_json
from opsctl.clients.files import read_text, write_atomically
from opsctl.core.clock import Clock
from opsctl.core.errors import UsageError
from opsctl.evidence.model import Verdict

if TYPE_CHECKING:
    import numpy as np

SCHEMA = "opsctl.run/v1"

LOAD = "load"
"""The kind of a load run; every other kind keeps samples by arm."""

_UNREADABLE = (
    *(ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError, zlib.error),
    UsageError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A run as it was kept, its report as plain JSON."""

    id: str
    kind: str
    subject: str
    verdict: Verdict
    recorded_at: datetime
    fingerprint: Fingerprint
    report: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLatencyRun(StoredRun):
    """A latency run with its samples by arm in nanoseconds, one row a block."""

    engine_ns: "Mapping[str, np.ndarray]"
    client_ns: "Mapping[str, np.ndarray]"

    @property
    def arms(self) -> tuple[str, ...]:
        """Return the names of the arms, the control under the name `control`."""
        return tuple(self.engine_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLoadRun(StoredRun):
    """A load run, its report whole, with all histograms."""

    load: LoadReport


class Registry:
    """The runs under one folder."""

    def __init__(self, folder: Path, *, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self.baselines = Baselines(folder / "baselines", clock=clock)

    def add(self, run: LatencyRun, *, kind: str, machine: Mapping[str, str]) -> str:
        """Keep a latency run and return its id, such as `20260102T030405-au_photographers-1f2e`."""
        return self._keep(_latency_body(run, kind=kind, machine=machine))

    def add_load(self, report: LoadReport) -> str:
        """Keep a load run and return its id."""
        return self._keep(_load_body(report))

    def list(self) -> tuple[list[StoredRun], list[UsageError]]:
        """Return every whole run, newest first, and what is wrong with each of the others."""
        runs: list[StoredRun] = []
        damaged: list[UsageError] = []
        for name in reversed(self._names()):
            try:
                runs.append(self._read(name))
            except UsageError as error:
                damaged.append(error)
        return runs, damaged

    def get(self, prefix: str) -> StoredRun:
        """Return the run that a word means.

        Args:
            prefix: the beginning of an id, the name of a baseline, `latest` for the last run, or `previous` for the
                last one before it of the same kind and subject.

        Raises:
            UsageError: BEN006 when none or several do, or when the file is damaged; BEN066 for a baseline whose run is
                gone.
        """
        names = self._names()
        if not names:
            raise UsageError(
                "there are no runs yet",
                code="BEN006",
                fix="make one: opsctl bench load, or opsctl bench latency",
            )
        if prefix == "latest":
            return self._read(names[-1])
        if prefix == "previous":
            return self.previous_of(self._read(names[-1]))
        matches = [name for name in names if name.startswith(prefix)]
        if prefix in matches:
            matches = [prefix]
        if len(matches) == 1:
            return self._read(matches[0])
        if not matches and (baseline := self.baselines.find(prefix)) is not None:
            return self._of_baseline(baseline.name)
        what = "no run" if not matches else f"{len(matches)} runs"
        raise UsageError(
            f"{what} {'begins' if not matches else 'begin'} with `{prefix}`",
            code="BEN006",
            fix="see the ids: opsctl bench list",
        )

    def previous_of(self, run: StoredRun) -> StoredRun:
        """Return the last run before this one of the same kind and subject; damaged ones are passed over.

        Raises:
            UsageError: BEN006 when there is none.
        """
        alike = [name for name in self._names() if name < run.id and f"-{run.subject}-" in name]
        for name in reversed(alike):
            try:
                found = self._read(name)
            except UsageError:
                continue  # `opsctl bench list` tells about it
            if (found.kind, found.subject) == (run.kind, run.subject):
                return found
        raise UsageError(
            f"there is no {run.kind} run of `{run.subject}` before `{run.id}`",
            code="BEN006",
            fix="see what there is: opsctl bench list",
        )

    def baseline(self, name: str) -> StoredRun:
        """Return the run that a baseline stands for.

        Raises:
            UsageError: BEN066 when there is no such baseline, or its run is gone; BEN006 when the run is damaged.
        """
        return self._of_baseline(self.baselines.require(name).name)

    def _of_baseline(self, name: str) -> StoredRun:
        run_id = self.baselines.require(name).run
        if not self._path(run_id).exists():
            raise UsageError(
                f"baseline `{name}` stands for run `{run_id}`, which is not there any more",
                code="BEN066",
                fix=f"let it stand for another: opsctl bench baseline set {name} latest",
            )
        return self._read(run_id)

    def _names(self) -> "Sequence[str]":
        return sorted(path.stem for path in self._folder.glob("*.json"))

    def _keep(self, body: Mapping[str, Any]) -> str:
        now = self._clock.now()
        whole = {"schema": SCHEMA, "recorded_at": now.astimezone(UTC).isoformat(), **body}
        content = json.dumps(whole, sort_keys=True, default=str)
        digest = hashlib.sha256(content.encode()).hexdigest()
        run_id = f"{now:%Y%m%dT%H%M%S}-{body['subject']}-{digest[:4]}"
        write_atomically(self._path(run_id), json.dumps({"id": run_id, **json.loads(content)}) + "\n")
        return run_id

    def _read(self, run_id: str) -> StoredRun:
        path = self._path(run_id)
        try:
            return _stored(json.loads(read_text(path)))
        except _UNREADABLE as error:
            raise UsageError(
                f"`{path}` is not a whole run of this version",
                code="BEN006",
                why=f"{type(error).__name__}: {error}",
                fix=f"move it away: mv {path} {path}.damaged",
            ) from error

    def _path(self, run_id: str) -> Path:
        return self._folder / f"{run_id}.json"


def _latency_body(run: LatencyRun, *, kind: str, machine: Mapping[str, str]) -> dict[str, Any]:
    measured = run.measurement
    named = {samples.arm.name: samples for samples in measured.arms} | {"control": measured.control}
    return {
        "kind": kind,
        "subject": run.report.subject,
        "verdict": run.report.verdict.value,
        "fingerprint": {**machine, **data(run.report)},
        "report": asdict(run.report),
        "samples": [
            {"arm": name, "engine_ns": pack(samples.engine_ns), "client_ns": pack(samples.client_ns)}
            for name, samples in named.items()
        ],
    }


def _load_body(report: LoadReport) -> dict[str, Any]:
    return {
        "kind": LOAD,
        "subject": report.load,
        "verdict": report.verdict.value,
        "fingerprint": fingerprint_of(report),
        "report": plain_report(report),
        "histograms": pack_json(report.histograms),
        "blocks": pack_json(report.blocks),
    }


def _stored(body: Mapping[str, Any]) -> StoredRun:
    if body["schema"] != SCHEMA:
        raise ValueError(f"schema `{body['schema']}` instead of `{SCHEMA}`")
    common: dict[str, Any] = {
        "id": body["id"],
        "kind": body["kind"],
        "subject": body["subject"],
        "verdict": Verdict(body["verdict"]),
        "recorded_at": datetime.fromisoformat(body["recorded_at"]),
        "fingerprint": from_json(body["fingerprint"]),
        "report": body["report"],
    }
    if body["kind"] == LOAD:
        histograms, blocks = unpack_json(body["histograms"]), unpack_json(body["blocks"])
        return StoredLoadRun(**common, load=report_of(body["report"], histograms=histograms, blocks=blocks))
    return StoredLatencyRun(
        **common,
        engine_ns={packed["arm"]: unpack(packed["engine_ns"]) for packed in body["samples"]},
        client_ns={packed["arm"]: unpack(packed["client_ns"]) for packed in body["samples"]},
    )
