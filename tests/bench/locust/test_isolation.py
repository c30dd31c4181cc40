"""Locust patches the standard library when it is imported: nothing of opsctl's own process may do that."""

import subprocess
import sys

import pytest

_LOOK = """
import sys
{}
patched = {{"gevent", "locust"}} & set(sys.modules)
assert not patched, patched
"""


_ENGINE = "import opsctl.bench.locust.engine, opsctl.bench.locust.settings, opsctl.bench.locust.wire"
_PACKAGE = """
import importlib, pkgutil
import opsctl.bench.load as package
for each in pkgutil.iter_modules(package.__path__):
    importlib.import_module(f"opsctl.bench.load.{each.name}")
"""
_COMMAND_LINE = """
import contextlib, io
from opsctl.__main__ import main
for arguments in (["bench", "--help"], ["bench", "load", "--help"], ["bench", "load", "--dry-run"]):
    sys.argv = ["opsctl", *arguments]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        main()
"""


@pytest.mark.parametrize("statement", [_ENGINE, _PACKAGE, _COMMAND_LINE])
def test_the_commands_process_stays_unpatched(statement):
    """Neither importing the engine nor the command line brings gevent in."""
    done = subprocess.run(
        [sys.executable, "-c", _LOOK.format(statement)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
