"""Which steps, probes and faults of a Chaos Toolkit experiment can be held as a drill; what cannot is named."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from opsctl.chaos.book import Drill
from opsctl.chaos.probes import Probe
from opsctl.chaos.toolkit_export import EXTENSION, probe_activity
from opsctl.chaos.toolkit_tolerance import CannotTranslate, tolerance_of
from opsctl.chaos.toolkit_values import (
    FALLBACK_SECONDS,
    fault_call,
    items_of,
    maps_of,
    own_part,
    pauses_of,
    positive,
    seconds_text,
    slug_of,
    step_of,
    substituted,
    text_of,
    variables_of,
)
from opsctl.config.marks import read_marked
from opsctl.core.errors import UsageError
from opsctl.core.findings import Finding, Location, Severity

_KNOWN = frozenset(
    ("version", "title", "description", "tags", "contributions", "configuration", "runtime", "method")
) | frozenset(("steady-state-hypothesis", "rollbacks", "extensions"))


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
    work = _Import(file=file, variables=variables_of(body), own=own_part(body))
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
    title = text_of(body.get("title")) or "an experiment without a title"
    why = text_of(body.get("description"))
    tags = [tag for each in items_of(body.get("tags")) if (tag := slug_of(str(each)))]
    return {
        **work.own,
        "title": title[:200],
        "why": "" if why == title else why,
        "tags": tags,
        "method": work.steps or [{"wait": seconds_text(FALLBACK_SECONDS)}],
        "probes": work.probes,
    }


def _read_own_probes(work: _Import) -> None:
    """Read the probes of our own extension; one that is none was edited, and its activity holds instead."""
    for values in maps_of(work.own.get("probes")):
        try:
            work.own_probes.append(Probe.model_validate(values))
        except ValidationError as error:
            title = f"a probe of the extension `{EXTENSION}` is none: {error.errors()[0]['msg']}"
            work.miss("CHA042", title, fix="what the hypothesis says of it holds")


def _read_hypothesis(work: _Import, body: Mapping[str, Any]) -> None:
    hypothesis = body.get("steady-state-hypothesis")
    for activity in maps_of(hypothesis.get("probes") if isinstance(hypothesis, dict) else None):
        _read_probe(work, activity)


def _read_probe(work: _Import, activity: Mapping[str, Any]) -> None:
    name, provider = text_of(activity.get("name")) or "probe", activity.get("provider")
    if not isinstance(provider, dict) or provider.get("type") != "http":
        kind = provider.get("type") if isinstance(provider, dict) else "nothing"
        work.miss("CHA041", f"the probe `{name}` runs {kind}, which is not run here", fix="ask an address")
        return
    if text_of(provider.get("method") or "GET").upper() != "GET" or provider.get("headers"):
        work.miss(
            "CHA041", f"the probe `{name}` is more than a plain GET", fix="ask an address that needs none"
        )
        return
    try:
        url = substituted(text_of(provider.get("url")), work.variables)
        values = {"name": name[:100], "url": url, **tolerance_of(activity.get("tolerance"))}
        if timeout := positive(provider.get("timeout")):
            values["timeout"] = seconds_text(timeout)
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
    for activity in maps_of(activities):
        before, after = pauses_of(activity)
        call = fault_call(activity)
        if before:
            work.steps.append({"wait": seconds_text(before)})
        if call is None:
            _read_foreign(work, activity)
        elif call[0] == "apply":
            parts.append({"fault": call[1], "with": call[2]})
            if after:
                work.steps.append(step_of(parts, after))
                parts, after = [], 0.0
        if after:
            work.steps.append({"wait": seconds_text(after)})
    if parts:
        work.steps.append(step_of(parts, FALLBACK_SECONDS))
        title = f"`{parts[-1]['fault']}` is made without a pause"
        work.miss("CHA043", f"{title}, so it lasts {FALLBACK_SECONDS:g} s", fix="say how long it is to last")


def _read_foreign(work: _Import, activity: Mapping[str, Any]) -> None:
    name = text_of(activity.get("name")) or "action"
    if activity.get("type") == "probe":
        _read_probe(work, activity)
        return
    provider = activity.get("provider")
    kind = provider.get("type", "nothing") if isinstance(provider, dict) else "a reference"
    fix = "put one of our faults in its place: `opsctl chaos faults`"
    work.miss("CHA041", f"the action `{name}` runs {kind}, which is not run here", fix=fix)


def _read_rest(work: _Import, body: Mapping[str, Any]) -> None:
    for activity in maps_of(body.get("rollbacks")):
        call = fault_call(activity)
        if call is None or call[0] != "undo":
            name = text_of(activity.get("name")) or "rollback"
            work.miss("CHA041", f"the rollback `{name}` is not run here", fix="our faults undo themselves")
    for key in sorted(set(map(str, body)) - _KNOWN):
        work.miss("CHA044", f"`{key}` has no counterpart here", fix="leave it out, or do it beside the drill")
