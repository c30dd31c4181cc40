"""How does a command end: the only place that turns errors into text and an exit code."""

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from opsctl.core.errors import NotReadyError, OpsError
from opsctl.core.exit_codes import ExitCode
from opsctl.ui.forgiving_stderr import forgive_stderr


def leave(code: ExitCode) -> NoReturn:
    """End the command with this code."""
    sys.exit(int(code))


def run(command: Callable[[], object]) -> NoReturn:
    """Run the whole program and end it: good, refused, interrupted, or a bug with its traceback saved."""
    forgive_stderr()
    try:
        code = _run(command)
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough.
        _close_output()
        code = ExitCode.GOOD
    sys.exit(code)


def _close_output() -> None:
    """Keep the interpreter from writing once more to a stdout that failed; it would end with code 120."""
    if sys.stdout is not None:  # closed by the caller: `>&-`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(command: Callable[[], object]) -> int:
    try:
        command()
        if sys.stdout is not None:  # closed by the caller: `>&-`
            sys.stdout.flush()
    except OpsError as error:
        _tell(error)
        return error.exit_code
    except (KeyboardInterrupt, SystemExit) as end:
        # Typer turns Ctrl-C into an exit of its own; both ways lead here.
        code = end.code if isinstance(end, SystemExit) else ExitCode.INTERRUPTED
        return _ended_early(code if isinstance(code, int) else ExitCode.GOOD)
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - the outermost frame: whatever arrives here is a bug of ours
        return _unforeseen(error)
    return ExitCode.GOOD


def _unforeseen(error: Exception) -> int:
    from opsctl.clients.files import file_error, is_out_of_room
    from opsctl.core.extras import missing_extra

    if isinstance(error, OSError) and is_out_of_room(error):
        # No bug, wherever it surfaced; stdout itself may be what cannot be written.
        fix = "free some space, then run the command again: df -h"
        _tell(NotReadyError("no room left to write", code="FIL001", why=error.strerror, fix=fix))
        _close_output()
        return ExitCode.NOT_READY
    if isinstance(error, ImportError) and (missing := missing_extra(error)) is not None:
        _tell(missing)
        return missing.exit_code
    if isinstance(error, FileNotFoundError) and _is_nowhere():
        # A relative path means nothing there, wherever it was about to be used.
        why, fix = "somebody has removed it since", "go to one that is there: cd"
        _tell(NotReadyError("the folder you are in is gone", code="FIL003", why=why, fix=fix))
        return ExitCode.NOT_READY
    if isinstance(error, PermissionError) and error.filename:
        unreadable = file_error(error, path=Path(str(error.filename)), doing="open")
        _tell(unreadable)
        return unreadable.exit_code
    _apologise(error)
    return ExitCode.BUG


def _is_nowhere() -> bool:
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False


def _ended_early(code: int) -> int:
    """Say what an exit without an error of ours means; usage errors were told by Typer."""
    if code == ExitCode.INTERRUPTED:
        message = "interrupted; what was finished is kept, and the same command can be run again"
        _say(message)
        _print_failure(OpsError(message, code="CLI003"))
    elif code == ExitCode.USAGE:
        _print_failure(OpsError("wrong usage; stderr says what", code="CLI002", fix="add --help"))
    return code


def _tell(error: OpsError) -> None:
    from opsctl.ui.show_error import show_error

    _print_failure(error)
    show_error(error)


def _print_failure(error: OpsError) -> None:
    """Give a program that asked for JSON its one document also when the command fails."""
    from opsctl.cli.document import document
    from opsctl.ui.console import mode, print_document

    # When the command line itself is wrong, no option was read: the arguments say what was asked for.
    if mode.has_printed_document or not (mode.json or "--json" in sys.argv):
        return
    findings = (*error.findings, error.as_finding())
    try:
        print_document(document("opsctl.error", data=None, ok=False, findings=findings))
    except OSError:  # stdout is full, or nobody reads it any more: the exit code has to do
        _close_output()


def _apologise(error: Exception) -> None:
    import traceback

    story = "".join(traceback.format_exception(error))
    message = f"{type(error).__name__}: {error}"
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="opsctl-bug-", suffix=".txt", delete=False, encoding="utf-8"
        ) as file:
            file.write(story)
        fix = f"this is a defect in opsctl; please report it with `{file.name}`"
    except OSError:  # a full disk may be the very cause
        _say(story)
        fix = "this is a defect in opsctl; please report it with the lines above"
    _say(f"error[BUG]: {message}")
    _say(f"\nhint: {fix}")
    _print_failure(OpsError(message, code="BUG", fix=fix))


def _say(text: str) -> None:
    if sys.stderr is not None:  # closed: `2>&-`
        sys.stderr.write(f"{text}\n")
