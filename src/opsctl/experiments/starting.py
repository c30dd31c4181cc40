"""May an experiment start now: not twice, not with a changed book, not where another one has its units."""

from collections.abc import Collection
from dataclasses import replace

from opsctl.core.errors import RefusedError, UsageError
from opsctl.core.findings import Finding, Severity
from opsctl.experiments.changes import require_unchanged
from opsctl.experiments.check_experiments import HOPELESS
from opsctl.experiments.load_experiments import NamedExperiment, require_right
from opsctl.experiments.overlaps import clashes
from opsctl.experiments.problems import findings_of
from opsctl.experiments.registry import Started, named_start


def require_startable(named: NamedExperiment, *, started: Collection[Started]) -> None:
    """Refuse a start that could not be, with those that were started before.

    Raises:
        UsageError: EXP020 it runs, and its book was changed since.
        RefusedError: EXP021 its name was started before, EXP026 it would share what a running one has.
    """
    before = next((each for each in started if each.name == named.name), None)
    if before is not None:
        _refuse_name(named, before)
    findings = [finding for each in started if each.is_running for finding in _clashes(named, each)]
    if findings:
        raise RefusedError(
            f"`{named.name}` cannot run beside what runs now",
            code="EXP026",
            findings=findings,
            fix="wait until the other one has ended, or take another part of the layer",
        )


def require_hopeful(named: NamedExperiment, findings: Collection[Finding]) -> None:
    """Refuse a book with errors, and an experiment that would end without an answer.

    Raises:
        UsageError: EXP001 the book has errors.
        RefusedError: EXP093 there are too few units.
    """
    own = [each for each in findings if each.location is not None and each.location.file == named.file]
    hopeless = [replace(each, severity=Severity.ERROR) for each in own if each.code == HOPELESS]
    require_right([each for each in own if each.code != HOPELESS], what=f"`{named.file}`")
    if hopeless:
        raise RefusedError(
            f"`{named.name}` would probably end without an answer",
            code=HOPELESS,
            findings=hopeless,
            fix=f"see what would be enough: opsctl experiments plan {named.name}",
        )


def require_confirmed(name: str, *, confirm: str | None, verb: str, consequence: str) -> None:
    """Refuse what cannot be taken back without the experiment's name.

    Raises:
        RefusedError: EXP024.
    """
    if confirm != name:
        raise RefusedError(
            f"`{verb}` wants the name of the experiment once more",
            code="EXP024",
            why=consequence,
            fix=f"look with --dry-run, then add: --confirm {name}",
        )


def running_start(started: Collection[Started], name: str) -> Started:
    """Return an experiment that runs.

    Raises:
        UsageError: EXP022 it was not started, or it has ended.
    """
    found = named_start(list(started), name)
    if found.ended_at is not None:
        raise UsageError(
            f"`{name}` has ended",
            code="EXP022",
            why=f"it ran from {found.started_at:%Y-%m-%d %H:%M} to {found.ended_at:%Y-%m-%d %H:%M} UTC",
            fix="copy its book to a new name to run it again",
        )
    return found


def require_rising(started: Started, ramp: float) -> None:
    """Refuse a ramp that does not rise.

    Raises:
        UsageError: EXP023 it is no share, or not above what it is.
    """
    before = started.experiment.ramp
    if not before < ramp <= 1:
        raise UsageError(
            f"the ramp of `{started.name}` is {before:g}; it can only rise, to 1 at most",
            code="EXP023",
            why="units that are in would lose their arm" if ramp < before else None,
            fix=f"a share above {before:g}, such as `opsctl experiments ramp {started.name} 1`"
            if before < 1
            else "everybody who is eligible is in already",
        )


def _refuse_name(named: NamedExperiment, before: Started) -> None:
    if before.is_running:
        require_unchanged(named, before)
        raise RefusedError(
            f"`{named.name}` runs already, since {before.started_at:%Y-%m-%d %H:%M:%S} UTC",
            code="EXP021",
            fix="`opsctl experiments status` shows it",
        )
    raise RefusedError(
        f"`{named.name}` was started before, and has ended",
        code="EXP021",
        why="its exposures and looks would mix with the new ones",
        fix="copy the book to a new name",
    )


def _clashes(named: NamedExperiment, running: Started) -> list[Finding]:
    problems = clashes(named.experiment, named.name, beside=running.experiment, called=running.name)
    return [replace(each, severity=Severity.ERROR) for each in findings_of(problems, named=named)]
