"""Which exit code means what: the contract between opsctl and the CI job that calls it."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Every way in which a command can end; `opsctl explain exit-codes` prints this table."""

    GOOD = 0
    BAD_VERDICT = 1
    USAGE = 2
    NOT_READY = 3
    REFUSED = 4
    INCONCLUSIVE = 5
    RESIDUE = 6
    BUG = 70
    TIME_BUDGET = 124
    INTERRUPTED = 130

    @property
    def meaning(self) -> str:
        """Return the sentence that documents this code."""
        return _MEANINGS[self]


_MEANINGS: dict[ExitCode, str] = {
    ExitCode.GOOD: "done; the verdict is good",
    ExitCode.BAD_VERDICT: "ran correctly; the verdict is bad (target missed, check failed, drift found)",
    ExitCode.USAGE: "wrong usage or an invalid book; nothing was started",
    ExitCode.NOT_READY: "the environment is not ready (server unreachable, extra missing, disk full)",
    ExitCode.REFUSED: "refused by a safety gate (lock held, confirmation missing, live data in the way)",
    ExitCode.INCONCLUSIVE: "inconclusive: the run was invalid or cannot tell; never a pass",
    ExitCode.RESIDUE: "an undo failed; something is left behind and is named",
    ExitCode.BUG: "a defect in opsctl; the traceback is saved and its path printed",
    ExitCode.TIME_BUDGET: "the time budget was used up",
    ExitCode.INTERRUPTED: "interrupted; work done so far is kept and can be resumed",
}
