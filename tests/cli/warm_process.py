"""A process that has imported what commands import, and forks once for each command that it is told to run.

Most of the time of a short command is its imports. The fork is a process of its own, with its own folder, environment,
arguments and files for stdin, stdout and stderr, which runs `main()` and ends as any interpreter ends. What depends on the
start itself (`--version`, time to start, modules that are loaded) is tested with an interpreter of its own.
"""

import atexit
import gc
import json
import os
import pkgutil
import signal
import sys
import threading
from contextlib import suppress
from importlib import import_module
from typing import Any, NoReturn

import opsctl
from opsctl.cli.wiring import book_models

# What every command imports; nothing that starts threads, since a fork would not have them.
_IMPORTED = (
    *(
        "opsctl.cli.app",
        "opsctl.cli.exit",
        "opsctl.cli.wiring",
        "opsctl.config.load",
        "opsctl.config.settings",
    ),
    *(
        "httpx",
        "jinja2",
        "pydantic",
        "rich.console",
        "rich.progress",
        "rich.table",
        "typer.rich_utils",
        "yaml",
    ),
    *("psycopg", "psycopg.types.json", "opsctl.clients.postgres", "opsctl.evidence.ledger"),
    *("cryptography.hazmat.primitives.ciphers.aead", "numpy", "psutil", "qdrant_client", "scipy.stats"),
)
_REPLACES_SOCKETS = "opsctl.bench.locust"


def serve() -> None:
    """Read a request a line from stdin and answer each with the code that its process ended with.

    Raises:
        SystemExit: in a fork, with the code of its command.
    """
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # otherwise numpy starts threads
    for name in _IMPORTED:
        with suppress(ModuleNotFoundError):  # the process of a test that looks at a smaller installation
            import_module(name)
    if "--all" in sys.argv:
        _import_all_of_ours()
    gc.freeze()  # a collection in a fork would copy every page that it looks at
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            answers.close()
            _become(request)
        answers.write(f"{child}\n")
        answers.flush()
        _, status = os.waitpid(child, 0)
        answers.write(f"{os.waitstatus_to_exitcode(status)}\n")
        answers.flush()


def _import_all_of_ours() -> None:
    """Import what any command may import; that none forgets to is seen where every command runs in a process without this."""
    for module in pkgutil.walk_packages(opsctl.__path__, "opsctl."):
        if not module.name.startswith(_REPLACES_SOCKETS) and not module.name.endswith("__main__"):
            import_module(module.name)
    for model in book_models().values():
        model.model_rebuild()


def _become(request: dict[str, Any]) -> NoReturn:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for descriptor, path, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, request["stdout"], os.O_WRONLY),
        (2, request["stderr"], os.O_WRONLY),
    ):
        opened = os.open(path, flags)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    from opsctl.__main__ import main

    sys.argv = ["opsctl", *request["arguments"]]
    try:
        main()
    except SystemExit as end:
        if isinstance(end.code, int):
            _end_at_once(end.code)
        raise
    raise SystemExit(0)


def _end_at_once(code: int) -> None:
    """End as an interpreter does, but for the modules: to take them apart would copy all that the parent has loaded."""
    threading._shutdown()  # type: ignore[attr-defined] # as the interpreter does; without it, pools would not end
    atexit._run_exitfuncs()
    with suppress(OSError, ValueError):  # one that cannot be written to is for the interpreter to tell
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve()
