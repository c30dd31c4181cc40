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


@pytest.mark.parametrize(
    "statement",
    [
        "import opsctl.bench.locust.engine, opsctl.bench.locust.settings, opsctl.bench.locust.wire",
        "import pkgutil, importlib, opsctl.bench.load as package\n"
        "[importlib.import_module(f'opsctl.bench.load.{each.name}') for each in pkgutil.iter_modules(package.__path__)"
        " if each.name != 'sending_process']",
        "import contextlib, io\nfrom opsctl.__main__ import main\n"
        "sys.argv = ['opsctl', 'bench', '--help']\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit): main()",
    ],
)
def test_the_commands_process_stays_unpatched(statement):
    """Neither importing the engine nor the command line brings gevent in."""
    done = subprocess.run(
        [sys.executable, "-c", _LOOK.format(statement)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
