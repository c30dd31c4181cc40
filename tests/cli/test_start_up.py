"""Start-up: help answers at once, because nothing heavy is imported for it."""

import subprocess
import sys

import pytest

HEAVY = {
    "fastapi", "gevent", "granian", "httpx", "jinja2", "numpy", "orjson", "prometheus_client", "psycopg",
    "pydantic", "pydantic_core", "qdrant_client", "qdrant_edge", "rich.console", "scipy", "yaml",
}  # fmt: skip

PROBE = """
import sys
sys.argv = ["opsctl", *sys.argv[1:]]
from opsctl.__main__ import main
try:
    main()
except SystemExit:
    pass
sys.stderr.write("\\n".join(sorted(sys.modules)))
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["collections", "--help"],
        ["bench", "latency", "--help"],
        ["stack", "up", "-h"],
    ],
)
def test_help_imports_nothing_heavy(arguments):
    """One top-level import of qdrant_client would make every help page take more than a second."""
    process = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments], capture_output=True, text=True, check=True, timeout=60
    )

    assert set(process.stderr.splitlines()) & HEAVY == set()
    assert "opsctl" in process.stdout
