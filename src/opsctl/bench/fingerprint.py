"""On what was a run made: the machine and the data that two runs must share to be compared."""

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opsctl.bench.model import LatencyReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """Dotted names and values, such as `machine.cores`; equal fingerprints make runs comparable."""

    values: Mapping[str, str]

    def differences(self, other: "Fingerprint") -> list[tuple[str, str, str]]:
        """Return (name, own value, other value) for everything that is not equal, by name."""
        names = sorted(self.values.keys() | other.values.keys())
        rows = [(name, self.values.get(name, "-"), other.values.get(name, "-")) for name in names]
        return [row for row in rows if row[1] != row[2]]


def machine(*, engine: str) -> dict[str, str]:
    """Return what is known of this machine and of the database's version."""
    return {
        "machine.cpu": _cpu_model(),
        "machine.cores": str(os.cpu_count() or 0),
        "machine.memory": f"{_memory_bytes() / 1024**3:.1f} GiB",
        "machine.kernel": f"{platform.system()} {platform.release()}",
        "machine.python": platform.python_version(),
        "engine.version": engine,
    }


def data(report: LatencyReport) -> dict[str, str]:
    """Return what was asked of what: parameters and counts by place, since generations change their names."""
    values: dict[str, str] = {
        "data.filter": report.filter,
        "data.limit": str(report.limit),
        "data.queries": report.query_digest[:16],
    }
    for place, state in enumerate(report.states):
        values[f"data.collection{place + 1}.config"] = state.config_digest[:16]
        values[f"data.collection{place + 1}.points"] = str(state.points)
    return values


def from_json(value: Any) -> Fingerprint:
    """Read a stored fingerprint."""
    return Fingerprint(values={str(name): str(text) for name, text in dict(value).items()})


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
