"""Which runs were made, and what exactly was measured: one file a run, raw samples included."""

import base64
import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.bench.fingerprint import Fingerprint, data, from_json
from opsctl.bench.model import LatencyRun
from opsctl.clients.files import read_text, write_atomically
from opsctl.core.clock import Clock
from opsctl.core.errors import UsageError
from opsctl.evidence.model import Verdict

if TYPE_CHECKING:
    import numpy as np

SCHEMA = "opsctl.run/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A run as it was kept: its report as plain JSON, and the samples by arm in nanoseconds, one row a block."""

    id: str
    kind: str
    subject: str
    verdict: Verdict
    recorded_at: datetime
    fingerprint: Fingerprint
    report: Mapping[str, Any]
    engine_ns: "Mapping[str, np.ndarray]"
    client_ns: "Mapping[str, np.ndarray]"

    @property
    def arms(self) -> tuple[str, ...]:
        """Return the names of the arms, the control under the name `control`."""
        return tuple(self.engine_ns)


class Registry:
    """The runs under one folder."""

    def __init__(self, folder: Path, *, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    def add(self, run: LatencyRun, *, kind: str, machine: Mapping[str, str]) -> str:
        """Keep a run and return its id, such as `20260102T030405-au_photographers-1f2e`."""
        now = self._clock.now()
        body = _body(run, kind=kind, machine=machine, recorded_at=now)
        content = json.dumps(body, sort_keys=True, default=str)
        digest = hashlib.sha256(content.encode()).hexdigest()
        run_id = f"{now:%Y%m%dT%H%M%S}-{run.report.subject}-{digest[:4]}"
        write_atomically(self._path(run_id), json.dumps({"id": run_id, **json.loads(content)}) + "\n")
        return run_id

    def list(self) -> tuple[list[StoredRun], list[UsageError]]:
        """Return every whole run, newest first, and what is wrong with each of the others."""
        runs: list[StoredRun] = []
        damaged: list[UsageError] = []
        for name in sorted((path.stem for path in self._folder.glob("*.json")), reverse=True):
            try:
                runs.append(self._read(name))
            except UsageError as error:
                damaged.append(error)
        return runs, damaged

    def get(self, prefix: str) -> StoredRun:
        """Return the run whose id begins with `prefix`; `latest` and `previous` name the last two.

        Raises:
            UsageError: BEN006 when none or several do, or when the file is damaged.
        """
        names = sorted(path.stem for path in self._folder.glob("*.json"))
        places = {"latest": names[-1:], "previous": names[-2:-1]}
        matches = places.get(prefix, [name for name in names if name.startswith(prefix)])
        if prefix in matches:
            matches = [prefix]
        if len(matches) != 1:
            what = "no run" if not matches else f"{len(matches)} runs"
            raise UsageError(
                f"{what} {'begins' if not matches else 'begin'} with `{prefix}`",
                code="BEN006",
                fix="see the ids: opsctl bench list",
            )
        return self._read(matches[0])

    def _read(self, run_id: str) -> StoredRun:
        path = self._path(run_id)
        try:
            return _stored(json.loads(read_text(path)))
        except (ValueError, KeyError, TypeError, AttributeError, zlib.error, UsageError) as error:
            raise UsageError(
                f"`{path}` is not a whole run of this version",
                code="BEN006",
                why=f"{type(error).__name__}: {error}",
                fix=f"move it away: mv {path} {path}.damaged",
            ) from error

    def _path(self, run_id: str) -> Path:
        return self._folder / f"{run_id}.json"


def pack(samples: "np.ndarray") -> dict[str, Any]:
    """Return samples as compressed text: 64-bit nanoseconds, zlib, base64."""
    raw = samples.astype("<i8").tobytes()
    text = base64.b64encode(zlib.compress(raw, level=6)).decode()
    return {"rows": int(samples.shape[0]), "columns": int(samples.shape[1]), "zlib_base64_i8": text}


def unpack(packed: Mapping[str, Any]) -> "np.ndarray":
    """Return the samples again.

    Raises:
        ValueError: when the text does not hold that many numbers.
    """
    import numpy as np

    raw = zlib.decompress(base64.b64decode(packed["zlib_base64_i8"]))
    return np.frombuffer(raw, dtype="<i8").reshape(packed["rows"], packed["columns"])


def _body(run: LatencyRun, *, kind: str, machine: Mapping[str, str], recorded_at: datetime) -> dict[str, Any]:
    measured = run.measurement
    named = {samples.arm.name: samples for samples in measured.arms} | {"control": measured.control}
    return {
        "schema": SCHEMA,
        "kind": kind,
        "subject": run.report.subject,
        "verdict": run.report.verdict.value,
        "recorded_at": recorded_at.astimezone(UTC).isoformat(),
        "fingerprint": {**machine, **data(run.report)},
        "report": asdict(run.report),
        "samples": [
            {"arm": name, "engine_ns": pack(samples.engine_ns), "client_ns": pack(samples.client_ns)}
            for name, samples in named.items()
        ],
    }


def _stored(body: Mapping[str, Any]) -> StoredRun:
    if body["schema"] != SCHEMA:
        raise ValueError(f"schema `{body['schema']}` instead of `{SCHEMA}`")
    return StoredRun(
        id=body["id"],
        kind=body["kind"],
        subject=body["subject"],
        verdict=Verdict(body["verdict"]),
        recorded_at=datetime.fromisoformat(body["recorded_at"]),
        fingerprint=from_json(body["fingerprint"]),
        report=body["report"],
        engine_ns={packed["arm"]: unpack(packed["engine_ns"]) for packed in body["samples"]},
        client_ns={packed["arm"]: unpack(packed["client_ns"]) for packed in body["samples"]},
    )
