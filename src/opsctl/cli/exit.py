"""How does a command end: the only place that turns errors into text and an exit code."""

import os
import sys
import tempfile
from collections.abc import Callable
from typing import NoReturn

from opsctl.core.errors import OpsError
from opsctl.core.exit_codes import ExitCode


def leave(code: ExitCode) -> NoReturn:
    """End the command with this code."""
    sys.exit(int(code))


def run(command: Callable[[], object]) -> NoReturn:
    """Run the whole program and end it: good, refused, interrupted, or a bug with its traceback saved."""
    try:
        command()
    except OpsError as error:
        _tell(error)
        leave(error.exit_code)
    except (KeyboardInterrupt, SystemExit) as end:
        # Typer turns Ctrl-C into an exit of its own; both ways lead here.
        code = end.code if isinstance(end, SystemExit) else int(ExitCode.INTERRUPTED)
        if code == ExitCode.INTERRUPTED:
            _say("interrupted; work done so far is kept, the same command goes on from there")
        sys.exit(code)
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough; the interpreter must not write to the pipe again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        leave(ExitCode.GOOD)
    except Exception as error:  # noqa: BLE001 - the outermost frame: whatever arrives here is a bug of ours
        _apologise(error)
        leave(ExitCode.BUG)
    leave(ExitCode.GOOD)


def _tell(error: OpsError) -> None:
    from opsctl.ui.console import mode
    from opsctl.ui.show_error import show_error

    if mode.json:
        _print_failure(error)
    show_error(error)


def _print_failure(error: OpsError) -> None:
    """Give a program that asked for JSON its one document also when the command fails."""
    from opsctl.cli.document import document
    from opsctl.core.findings import Finding, Severity
    from opsctl.ui.console import print_document

    own = Finding(
        code=error.code,
        severity=Severity.ERROR,
        title=error.message,
        location=error.location,
        evidence=error.why,
        fix=error.fix,
    )
    print_document(document("opsctl.error", data=None, ok=False, findings=(*error.findings, own)))


def _apologise(error: Exception) -> None:
    import traceback

    with tempfile.NamedTemporaryFile(
        "w", prefix="opsctl-bug-", suffix=".txt", delete=False, encoding="utf-8"
    ) as file:
        file.write("".join(traceback.format_exception(error)))
    _say(f"error[BUG]: {type(error).__name__}: {error}")
    _say(f"\nhint: this is a defect in opsctl; please report it with `{file.name}`")


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
