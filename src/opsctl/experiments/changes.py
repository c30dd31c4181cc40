"""What of a book was changed since the experiment started: nothing may be, and the difference is shown."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from opsctl.config.marks import locate, read_marked
from opsctl.core.errors import UsageError
from opsctl.core.findings import Finding, Location, Severity
from opsctl.experiments.book import Experiment
from opsctl.experiments.load_experiments import NamedExperiment
from opsctl.experiments.registry import Started, spec_of

_MOST_SHOWN = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One value that is not what it was; None where there was or is none."""

    path: tuple[str, ...]
    before: Any
    after: Any

    def __str__(self) -> str:
        return (
            f"`{'.'.join(self.path)}` was {_shown(self.before)} at the start, now it is {_shown(self.after)}"
        )


def changes_since(started: Started, experiment: Experiment) -> tuple[Change, ...]:
    """Return what a book says otherwise than what was started; the ramp may differ.

    Both are read by this version of opsctl, so a setting that is new since the start is no change, but a default that
    has another value is one.
    """
    before, after = _comparable(started.experiment), _comparable(experiment)
    return tuple(_differences(before, after, path=()))


def change_findings(named: NamedExperiment, started: Started) -> list[Finding]:
    """Return a finding for each change of a book since its start, with its place."""
    return [
        Finding(
            code="EXP020",
            severity=Severity.ERROR,
            title=str(change),
            location=_place(named, change.path),
            fix="put it back; what was started is what will be analysed",
        )
        for change in changes_since(started, named.experiment)
    ]


def ramp_findings(named: NamedExperiment, started: Started) -> list[Finding]:
    """Return a finding where a book has another ramp than what runs: nothing is wrong, and somebody may expect otherwise."""
    here, runs = named.experiment.ramp, started.experiment.ramp
    if here == runs or not started.is_running:
        return []
    raise_it = f"opsctl experiments ramp {named.name} {here:g} --confirm {named.name}"
    return [
        Finding(
            code="EXP016",
            severity=Severity.WARNING if here > runs else Severity.INFO,
            title=f"the book has the ramp {here:g}, and `{named.name}` runs with {runs:g}",
            location=_place(named, ("ramp",)),
            fix=raise_it if here > runs else f"write `ramp: {runs:g}`, so that the book says what holds",
        )
    ]


def require_unchanged(named: NamedExperiment, started: Started) -> None:
    """Refuse a book that says otherwise than what was started.

    Raises:
        UsageError: EXP020 with one finding for each change.
    """
    findings = change_findings(named, started)
    if findings:
        raise UsageError(
            f"`{named.file}` was changed after `{named.name}` had started",
            code="EXP020",
            why=f"it runs since {started.started_at:%Y-%m-%d %H:%M} UTC as it was then (digest {started.digest[:12]})",
            findings=findings,
            fix="put the book back as it was, or write the change as a new experiment with a name of its own",
        )


def _place(named: NamedExperiment, path: tuple[str, ...]) -> Location:
    line, column = read_marked(named.text, file=named.file).place_of(path, prefer_key=False)
    return locate(named.text, file=named.file, line=line, column=column)


def _comparable(experiment: Experiment) -> dict[str, Any]:
    spec = spec_of(experiment)
    arms = {arm.pop("name"): arm for arm in spec["arms"]}
    return spec | {"arms": arms, "order of arms": ", ".join(arms)}


def _differences(before: Any, after: Any, *, path: tuple[str, ...]) -> Iterator[Change]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys((*before, *after)):
            yield from _differences(before.get(key), after.get(key), path=(*path, str(key)))
    elif before != after:
        yield Change(path=path, before=before, after=after)


def _shown(value: Any) -> str:
    if value is None:
        return "not there"
    text = str(value)
    return f"`{text if len(text) <= _MOST_SHOWN else text[: _MOST_SHOWN - 3] + '...'}`"
