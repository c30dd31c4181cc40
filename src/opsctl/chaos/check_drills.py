"""What is wrong with a drill although each of its parts is right: unknown faults, and times that do not fit."""

import difflib
import inspect
import shlex
import textwrap
from collections.abc import Collection, Iterator, Mapping

from opsctl.chaos.book import Drill
from opsctl.chaos.model import Fault
from opsctl.chaos.plan import fault_seconds
from opsctl.chaos.steps import FaultPart, FaultStep, TogetherStep, WaitStep, parts_of
from opsctl.config.marks import MarkedDocument, locate, read_marked
from opsctl.core.findings import Finding, Severity
from opsctl.core.units import format_duration, parse_duration

_Path = tuple[str | int, ...]
_Problem = tuple[str, _Path, str, str]

_READERS = {
    "press": "who presses beside the readers",
    "relieve": "who presses beside the readers",
    "send": "how often readers ask",
    "send_as_usual": "how often readers ask",
    "let_retry": "how often readers repeat",
    "retry_as_usual": "how often readers repeat",
}
"""What the methods of a ground change of those who ask."""
_EMPTY = (lambda: None).__code__
_LONGEST_PROBE_SECONDS = 30.0  # leases last 45 s: there has to be time for what comes after the probe
_NUMBERS = (int, float, int | None, float | None)

Faults = Mapping[str, Fault] | Collection[str]
"""Which faults there are; with the faults themselves, what drills give them is checked, too."""


def check_drill(drill: Drill, *, text: str, file: str, faults: Faults) -> list[Finding]:
    """Return what is wrong with a drill although each of its parts is right."""
    document = read_marked(text, file=file)
    return [
        _finding(problem, document=document, text=text, file=file)
        for problem in (
            *_odd_faults(drill, faults),
            *_crowds(drill, faults),
            *_too_short(drill),
            *_too_patient(drill),
            *_foreign_command(drill),
        )
    ]


def _odd_faults(drill: Drill, faults: Faults) -> Iterator[_Problem]:
    for path, part in _placed_parts(drill):
        if part.fault not in faults:
            close = difflib.get_close_matches(part.fault, faults, n=1)
            fix = f"did you mean `{close[0]}`?" if close else "`opsctl chaos faults` lists all of them"
            yield "CHA011", (*path, "fault"), f"there is no fault `{part.fault}`", fix
        elif isinstance(faults, Mapping):
            yield from _odd_parameters(part, faults[part.fault], path=path)


def _odd_parameters(part: FaultPart, fault: Fault, *, path: _Path) -> Iterator[_Problem]:
    """Compare what a drill gives with what the fault's own function takes besides the ground."""
    known = list(inspect.signature(fault.apply).parameters.values())[1:]
    if any(each.kind is each.VAR_KEYWORD for each in known):
        return
    names = [each.name for each in known]
    takes = f"it takes: {', '.join(names)}" if names else "leave it out: it takes nothing"
    for name in part.parameters:
        if name not in names:
            yield "CHA017", (*path, "with", name), f"`{part.fault}` takes no `{name}`", takes
    for each in known:
        if each.name in part.parameters:
            misfit = _misfit(each, part.parameters[each.name], fault=part.fault)
            if misfit:
                yield (
                    "CHA017",
                    (*path, "with", each.name),
                    misfit,
                    f"write such as `with: {{{each.name}: 1}}`",
                )
        elif each.default is each.empty:
            yield (
                "CHA017",
                (*path, "fault"),
                f"`{part.fault}` needs `{each.name}`",
                f"add it below `with`; {takes}",
            )


def unknown_alerts(drill: Drill, *, name: str, file: str, known: Collection[str]) -> list[Finding]:
    """Return a finding for each alert that a drill names and no rule raises: it would be missed at every run."""
    named = (*(alert.name for alert in drill.expect.alerts), *drill.expect.allowed_pages)
    findings = []
    for alert in named:
        if alert not in known:
            close = difflib.get_close_matches(alert, known, n=1)
            findings.append(
                Finding(
                    code="CHA019",
                    severity=Severity.ERROR,
                    title=f"`{name}` waits for `{alert}`, which no rule raises",
                    evidence=file,
                    fix=f"did you mean `{close[0]}`?" if close else "`opsctl alerts list` shows all",
                )
            )
    return findings


def parameter_complaint(fault: Fault, given: Mapping[str, object]) -> str:
    """Return what is wrong with what a fault is given by hand; nothing where it fits."""
    known = {each.name: each for each in list(inspect.signature(fault.apply).parameters.values())[1:]}
    for name, value in given.items():
        if name not in known:
            return f"`{fault.name}` takes no `{name}`"
        if misfit := _misfit(known[name], value, fault=fault.name):
            return misfit
    missing = [each.name for each in known.values() if each.default is each.empty and each.name not in given]
    return f"`{fault.name}` needs `{missing[0]}`" if missing else ""


def _misfit(parameter: inspect.Parameter, value: object, *, fault: str) -> str:
    """Return why a fault could not work with a value; nothing where it could, or does not say of which type it is."""
    wanted = parameter.annotation
    if wanted not in _NUMBERS or (value is None and wanted not in (int, float)):
        return ""
    types = (int,) if wanted in (int, int | None) else (int, float)
    if isinstance(value, types) and not isinstance(value, bool) and value > 0:
        return ""
    what = "a number" if float in types else "a whole number"
    shown = textwrap.shorten(repr(value), 60, placeholder="...")
    return f"`{parameter.name}` of `{fault}` is {what} above zero, not {shown}"


def _crowds(drill: Drill, faults: Faults) -> Iterator[_Problem]:
    """Find two parts of one step that both change who asks: the later would overwrite the earlier, and undo it."""
    if not isinstance(faults, Mapping):
        return
    for place, step in enumerate(drill.method):
        seen: dict[str, str] = {}
        for index, part in enumerate(parts_of(step)):
            changes = _changes_of_readers(faults[part.fault]) if part.fault in faults else frozenset()
            for change in sorted(changes & seen.keys()):
                yield (
                    "CHA018",
                    ("method", place, "together", index, "fault"),
                    f"`{seen[change]}` and `{part.fault}` both change {change}",
                    "hold them one after the other, or in two drills",
                )
            seen |= dict.fromkeys(changes, part.fault)


def _changes_of_readers(fault: Fault) -> frozenset[str]:
    """Return what a fault changes of those who ask, by what its own functions call."""
    called = {
        name for part in (fault.apply, fault.undo) for name in getattr(part, "__code__", _EMPTY).co_names
    }
    return frozenset(_READERS[name] for name in called if name in _READERS)


def _placed_parts(drill: Drill) -> Iterator[tuple[_Path, FaultPart]]:
    for place, step in enumerate(drill.method):
        match step:
            case FaultStep():
                yield ("method", place), step
            case TogetherStep():
                for index, part in enumerate(step.together):
                    yield ("method", place, "together", index), part
            case WaitStep():
                pass


def _too_short(drill: Drill) -> Iterator[_Problem]:
    lasts = fault_seconds(drill)
    for place, alert in enumerate(drill.expect.alerts):
        if parse_duration(alert.detect_within) >= lasts:
            yield (
                "CHA012",
                ("expect", "alerts", place, "detect_within"),
                f"`{alert.name}` may take {alert.detect_within}, but the fault is over after {format_duration(lasts)}",
                "let the fault last longer than the alert may take",
            )
    cure = drill.mitigation
    if cure is not None and parse_duration(cure.after) + parse_duration(cure.ends_within) >= lasts:
        yield (
            "CHA013",
            ("mitigation", "ends_within"),
            f"the command may take {cure.ends_within}, but the fault is over after {format_duration(lasts)}",
            "let the fault last longer, or it ends by itself",
        )
    if parse_duration(drill.stop_when.lasts) >= lasts and drill.parts and drill.stop_when.availability_below:
        yield (
            "CHA014",
            ("stop_when", "for"),
            f"`stop_when` waits {drill.stop_when.lasts}, but the fault is over after {format_duration(lasts)}",
            "let `for` be shorter than the fault, or nothing ever stops it",
        )


def _too_patient(drill: Drill) -> Iterator[_Problem]:
    for place, probe in enumerate(drill.probes):
        if parse_duration(probe.timeout) > _LONGEST_PROBE_SECONDS:
            yield (
                "CHA022",
                ("probes", place, "timeout"),
                f"`{probe.name}` may take {probe.timeout}, and nobody keeps the faults meanwhile",
                f"let it wait for {_LONGEST_PROBE_SECONDS:g} s at most",
            )


def _foreign_command(drill: Drill) -> Iterator[_Problem]:
    """Find a mitigation that would only be refused once the fault is on."""
    command = drill.mitigation.command if drill.mitigation is not None else "opsctl"
    try:
        words = shlex.split(command)
    except ValueError:  # a quote without its end
        words = []
    if words[:1] != ["opsctl"]:
        shown = textwrap.shorten(command, 60, placeholder="...")
        fix = "write what the runbook does with opsctl, such as `opsctl cache invalidate --all`"
        yield "CHA063", ("mitigation", "command"), f"`{shown}` is no command of opsctl", fix


def _finding(problem: _Problem, *, document: MarkedDocument, text: str, file: str) -> Finding:
    code, path, title, fix = problem
    line, column = document.place_of(path, prefer_key=False)
    place = locate(text, file=file, line=line, column=column)
    return Finding(code=code, severity=Severity.ERROR, title=title, location=place, fix=fix)
