"""What a command says when it cannot go on: what happened, where, why, and what to do next."""

from collections.abc import Sequence
from functools import partial

from opsctl.core.exit_codes import ExitCode
from opsctl.core.findings import Finding, Location, Severity


class OpsError(Exception):
    """Base of every error that opsctl raises on purpose; `cli.exit` renders it and picks the exit code.

    Args:
        message: what happened; lower case, no final stop, literals in backticks.
        code: stable code that `opsctl explain` knows, such as `COL004`.
        why: the cause, where it is not plain from the message.
        fix: the next thing to type or to change.
        location: the place in a file that is at fault.
        findings: all single problems, when there are several (a book shows every one at once).
    """

    exit_code = ExitCode.BAD_VERDICT

    def __init__(
        self,
        message: str,
        *,
        code: str,
        why: str | None = None,
        fix: str | None = None,
        location: Location | None = None,
        findings: Sequence[Finding] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.why = why
        self.fix = fix
        self.location = location
        self.findings = tuple(findings)
        if why:
            self.add_note(why)  # a stack trace, such as of a failed test, says it too

    def __reduce__(self) -> tuple[object, ...]:
        """Return how to make it again in another process: an exception's own way knows no keywords."""
        again = partial(
            type(self),
            code=self.code,
            why=self.why,
            fix=self.fix,
            location=self.location,
            findings=self.findings,
        )
        return again, (self.message,)

    def as_finding(self) -> Finding:
        """Return the error itself as a finding, for a document that holds several."""
        return Finding(
            code=self.code,
            severity=Severity.ERROR,
            title=self.message,
            location=self.location,
            evidence=self.why,
            fix=self.fix,
        )


class UsageError(OpsError):
    """The command line or a book is wrong; nothing was started."""

    exit_code = ExitCode.USAGE


class NotReadyError(OpsError):
    """Something outside is missing or does not answer."""

    exit_code = ExitCode.NOT_READY


class RefusedError(OpsError):
    """A safety gate said no; nothing was changed."""

    exit_code = ExitCode.REFUSED


class FailedError(OpsError):
    """The work ran and its verdict is bad."""

    exit_code = ExitCode.BAD_VERDICT


class InconclusiveError(OpsError):
    """The run was invalid, or the sample cannot tell."""

    exit_code = ExitCode.INCONCLUSIVE


class ResidueError(OpsError):
    """An undo failed, and something is left behind."""

    exit_code = ExitCode.RESIDUE
