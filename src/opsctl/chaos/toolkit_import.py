"""What of a Chaos Toolkit experiment can be held as a drill, and what cannot: each of it is named."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from opsctl.chaos.book import Drill
from opsctl.chaos.probes import Probe
from opsctl.chaos.toolkit_export import EXTENSION, FAULT_COMMAND, probe_activity
from opsctl.chaos.toolkit_tolerance import CannotTranslate, tolerance_of
from opsctl.config.marks import read_marked
from opsctl.core.errors import UsageError
from opsctl.core.findings import Finding, Location, Severity

_KNOWN = frozenset(
    ("version", "title", "description", "tags", "contributions", "configuration", "runtime", "method")
) | frozenset(("steady-state-hypothesis", "rollbacks", "extensions"))
_VARIABLE = re.compile(r"\$\{([^{}]+)\}")
_FALLBACK_SECONDS = 60.0
_MOST_SECONDS = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A drill, and what of the experiment is not in it."""

    drill: Drill
    findings: tuple[Finding, ...]


@dataclass(slots=True, kw_only=True)
class _Import:
    file: str
    variables: Mapping[str, str]
    own: Mapping[str, Any]
    own_probes: list[Probe] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    probes: list[Probe] = field(default_factory=list)

    def miss(self, code: str, title: str, *, fix: str) -> None:
        place = Location(file=self.file)
        self.findings.append(
            Finding(code=code, severity=Severity.WARNING, title=title, location=place, fix=fix)
        )


def import_experiment(text: str, *, file: str) -> Imported:
    """Return the drill that an experiment, as JSON or YAML, describes.

    Raises:
        UsageError: CHA040 it is no experiment, or nothing of it can be held here.
    """
    document = read_marked(text, file=file)
    body = document.value
    if document.findings or not isinstance(body, dict) or not isinstance(body.get("method"), list):
        raise UsageError(
            f"`{file}` is no experiment of Chaos Toolkit",
            code="CHA040",
            findings=document.findings,
            fix="it has to be JSON or YAML with `title` and `method`",
        )
    work = _Import(file=file, variables=_variables(body), own=_own_part(body))
    _read_own_probes(work)
    _read_hypothesis(work, body)
    _read_method(work, body["method"])
    _read_rest(work, body)
    try:
        drill = Drill.model_validate(_book(work, body))
    except ValidationError as error:
        raise UsageError(
            f"nothing of `{file}` can be held as a drill",
            code="CHA040",
            why=str(error.errors()[0]["msg"]),
            findings=work.findings,
            fix="write a drill with one of our faults: `opsctl chaos faults`",
        ) from error
    return Imported(drill=drill, findings=tuple(work.findings))


def _book(work: _Import, body: Mapping[str, Any]) -> dict[str, Any]:
    title = _text(body.get("title")) or "an experiment without a title"
    why = _text(body.get("description"))
    tags = [tag for each in _list(body.get("tags")) if (tag := _slug(str(each)))]
    return {
        **work.own,
        "title": title[:200],
        "why": "" if why == title else why,
        "tags": tags,
        "method": work.steps or [{"wait": _seconds(_FALLBACK_SECONDS)}],
        "probes": work.probes,
    }


def _read_own_probes(work: _Import) -> None:
    """Read the probes of our own extension; one that is none was edited, and its activity holds instead."""
    for values in _maps(work.own.get("probes")):
        try:
            work.own_probes.append(Probe.model_validate(values))
        except ValidationError as error:
            title = f"a probe of the extension `{EXTENSION}` is none: {error.errors()[0]['msg']}"
            work.miss("CHA042", title, fix="what the hypothesis says of it holds")


def _read_hypothesis(work: _Import, body: Mapping[str, Any]) -> None:
    hypothesis = body.get("steady-state-hypothesis")
    for activity in _maps(hypothesis.get("probes") if isinstance(hypothesis, dict) else None):
        _read_probe(work, activity)


def _read_probe(work: _Import, activity: Mapping[str, Any]) -> None:
    name, provider = _text(activity.get("name")) or "probe", activity.get("provider")
    if not isinstance(provider, dict) or provider.get("type") != "http":
        kind = provider.get("type") if isinstance(provider, dict) else "nothing"
        work.miss("CHA041", f"the probe `{name}` runs {kind}, which is not run here", fix="ask an address")
        return
    if _text(provider.get("method") or "GET").upper() != "GET" or provider.get("headers"):
        work.miss(
            "CHA041", f"the probe `{name}` is more than a plain GET", fix="ask an address that needs none"
        )
        return
    try:
        url = _substituted(_text(provider.get("url")), work.variables)
        values = {"name": name[:100], "url": url, **tolerance_of(activity.get("tolerance"))}
        if timeout := _positive(provider.get("timeout")):
            values["timeout"] = _seconds(timeout)
        probe = Probe.model_validate(values)
    except CannotTranslate as error:
        work.miss("CHA042", f"the probe `{name}`: {error}", fix="write the probe by hand")
        return
    except ValidationError as error:
        work.miss("CHA042", f"the probe `{name}`: {error.errors()[0]['msg']}", fix="write the probe by hand")
        return
    if any(each.name == probe.name for each in work.probes):
        work.miss("CHA042", f"the probe `{name}` stands twice", fix="give it another name")
        return
    work.probes.append(_as_we_know_it(work, probe, activity))


def _as_we_know_it(work: _Import, probe: Probe, activity: Mapping[str, Any]) -> Probe:
    """Return the probe as our own extension has it, where that is what was written as this activity."""
    for own in work.own_probes:
        if own.name == probe.name and probe_activity(own) == dict(activity):
            return own
    return probe


def _read_method(work: _Import, activities: Sequence[Any]) -> None:
    """Read actions in turns: what was made since the last pause is on together, until it is undone."""
    parts: list[dict[str, Any]] = []
    for activity in _maps(activities):
        before, after = _pauses(activity)
        call = _fault_call(activity)
        if before:
            work.steps.append({"wait": _seconds(before)})
        if call is None:
            _read_foreign(work, activity)
        elif call[0] == "apply":
            parts.append({"fault": call[1], "with": call[2]})
            if after:
                work.steps.append(_step(parts, after))
                parts, after = [], 0.0
        if after:
            work.steps.append({"wait": _seconds(after)})
    if parts:
        work.steps.append(_step(parts, _FALLBACK_SECONDS))
        title = f"`{parts[-1]['fault']}` is made without a pause"
        work.miss("CHA043", f"{title}, so it lasts {_FALLBACK_SECONDS:g} s", fix="say how long it is to last")


def _read_foreign(work: _Import, activity: Mapping[str, Any]) -> None:
    name = _text(activity.get("name")) or "action"
    if activity.get("type") == "probe":
        _read_probe(work, activity)
        return
    provider = activity.get("provider")
    kind = provider.get("type", "nothing") if isinstance(provider, dict) else "a reference"
    fix = "put one of our faults in its place: `opsctl chaos faults`"
    work.miss("CHA041", f"the action `{name}` runs {kind}, which is not run here", fix=fix)


def _read_rest(work: _Import, body: Mapping[str, Any]) -> None:
    for activity in _maps(body.get("rollbacks")):
        call = _fault_call(activity)
        if call is None or call[0] != "undo":
            name = _text(activity.get("name")) or "rollback"
            work.miss("CHA041", f"the rollback `{name}` is not run here", fix="our faults undo themselves")
    for key in sorted(set(map(str, body)) - _KNOWN):
        work.miss("CHA044", f"`{key}` has no counterpart here", fix="leave it out, or do it beside the drill")


def _fault_call(activity: Mapping[str, Any]) -> tuple[str, str, dict[str, Any]] | None:
    """Return verb, fault and parameters of an action that calls `opsctl chaos fault`."""
    import json

    provider = activity.get("provider")
    if not isinstance(provider, dict) or provider.get("type") != "process":
        return None
    path, arguments = _text(provider.get("path")), provider.get("arguments")
    words = arguments.split() if isinstance(arguments, str) else [str(each) for each in _list(arguments)]
    if path.rpartition("/")[2] != "opsctl" or tuple(words[:2]) != FAULT_COMMAND or len(words) < 4:
        return None
    if words[-2:-1] == ["--for"]:  # the lease; a drill takes it from its own step
        words = words[:-2]
    given: Any = {}
    if words[4:5] == ["--with"]:
        try:
            given = json.loads(" ".join(words[5:]))
        except (ValueError, RecursionError):
            return None
    return (words[2], words[3], given) if words[2] in ("apply", "undo") and isinstance(given, dict) else None


def _step(parts: list[dict[str, Any]], seconds: float) -> dict[str, Any]:
    if len(parts) == 1:
        return {**parts[0], "lasts": _seconds(seconds)}
    return {"together": parts, "lasts": _seconds(seconds)}


def _own_part(body: Mapping[str, Any]) -> dict[str, Any]:
    for extension in _maps(body.get("extensions")):
        if extension.get("name") == EXTENSION and isinstance(extension.get("drill"), dict):
            return dict(extension["drill"])
    return {}


def _variables(body: Mapping[str, Any]) -> dict[str, str]:
    configuration = body.get("configuration")
    if not isinstance(configuration, dict):
        return {}
    return {
        str(name): str(value) for name, value in configuration.items() if isinstance(value, str | int | float)
    }


def _substituted(text: str, variables: Mapping[str, str]) -> str:
    unknown = [name for name in _VARIABLE.findall(text) if name.strip() not in variables]
    if unknown:
        raise CannotTranslate(f"nobody knows `{unknown[0]}` before it is run")
    return _VARIABLE.sub(lambda found: variables[found[1].strip()], text)


def _pauses(activity: Mapping[str, Any]) -> tuple[float, float]:
    pauses = activity.get("pauses")
    values = [pauses.get(name) for name in ("before", "after")] if isinstance(pauses, dict) else [0, 0]
    before, after = (_positive(value) for value in values)
    return before, after


def _positive(value: Any) -> float:
    """Return a number above zero that a time can be; else zero."""
    is_time = isinstance(value, int | float) and 0 < value < _MOST_SECONDS
    return float(value) if is_time else 0.0


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _maps(value: Any) -> Iterator[Mapping[str, Any]]:
    yield from (each for each in _list(value) if isinstance(each, dict))


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _slug(tag: str) -> str:
    return re.sub(r"[^a-z0-9-]+", "-", tag.lower()).lstrip("-0123456789")[:31].rstrip("-")


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}".rstrip("0").rstrip(".") + "s"
