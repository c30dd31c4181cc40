"""How does a drill look to Chaos Toolkit: an experiment whose actions call opsctl, and whose rollbacks always run."""

import json
from math import ceil
from typing import Any

from opsctl.chaos.book import Drill
from opsctl.chaos.load_drills import NamedDrill
from opsctl.chaos.probes import Probe
from opsctl.chaos.registry import all_faults, needs_of_holder
from opsctl.chaos.steps import FaultPart, WaitStep, parts_of, step_seconds
from opsctl.core.units import parse_duration

EXTENSION = "opsctl"
"""Name of the extension that holds what an experiment has no word for."""

# Making the faults of one step takes its time, and so does undoing them.
_MARGIN_SECONDS = 60.0

FAULT_COMMAND = ("chaos", "fault")


def to_experiment(named: NamedDrill) -> dict[str, Any]:
    """Return a drill as an experiment of Chaos Toolkit 1.x, ready for `json.dumps`.

    Load, expectations and limits go into an extension, which Chaos Toolkit carries along and does not judge.
    """
    drill = named.drill
    return {
        "version": "1.0.0",
        "title": drill.title,
        "description": drill.why or drill.title,
        "tags": list(drill.tags),
        "runtime": {"rollbacks": {"strategy": "always"}, "hypothesis": {"strategy": "default"}},
        **_hypothesis(drill),
        "method": list(_method(drill)),
        "rollbacks": [
            _fault_action("undo", name)
            for name in reversed(dict.fromkeys(part.fault for part in drill.parts))
        ],
        "extensions": [
            {
                "name": EXTENSION,
                "drill": drill.model_dump(mode="json", by_alias=True),
                "refused_by_hand": list(refused_by_hand(drill)),
            }
        ],
    }


def refused_by_hand(drill: Drill) -> tuple[str, ...]:
    """Return the faults of a drill that `opsctl chaos fault apply` refuses: an experiment with them breaks too little."""
    known = all_faults()
    names = dict.fromkeys(part.fault for part in drill.parts)
    return tuple(name for name in names if name in known and needs_of_holder(name))


def render_experiment(named: NamedDrill) -> str:
    """Return the experiment as JSON, ending with a newline."""
    return json.dumps(to_experiment(named), indent=2, ensure_ascii=False) + "\n"


def probe_activity(probe: Probe) -> dict[str, Any]:
    """Return a probe as an activity of an experiment, with the one tolerance that it has room for."""
    return {
        "type": "probe",
        "name": probe.name,
        "tolerance": _tolerance(probe),
        "provider": {"type": "http", "url": probe.url, "timeout": parse_duration(probe.timeout)},
    }


def json_path_of(dotted: str) -> str:
    """Return a dotted path as JSONPath.

    >>> json_path_of("checks.0.name")
    '$.checks[0].name'
    """
    return "$" + "".join(f"[{part}]" if part.isdecimal() else f".{part}" for part in dotted.split("."))


def _hypothesis(drill: Drill) -> dict[str, Any]:
    if not drill.probes:
        return {}
    probes = [probe_activity(probe) for probe in drill.probes]
    return {"steady-state-hypothesis": {"title": drill.title, "probes": probes}}


def _method(drill: Drill) -> list[dict[str, Any]]:
    """Return applies and undos; a wait stands before the action that follows it, or in one of its own at the end."""
    actions: list[dict[str, Any]] = []
    waited = 0.0
    for step in drill.method:
        if isinstance(step, WaitStep):
            waited += step_seconds(step)
            continue
        parts = parts_of(step)
        lease_seconds = step_seconds(step) + _MARGIN_SECONDS
        made = [_apply_action(part, lease_seconds=lease_seconds) for part in parts]
        if waited:
            made[0]["pauses"] = {"before": waited}
        made[-1]["pauses"] = {**made[-1].get("pauses", {}), "after": step_seconds(step)}
        waited = 0.0
        actions += [*made, *(_fault_action("undo", part.fault) for part in reversed(parts))]
    if waited:
        actions.append({**_fault_action("undo", "nothing"), "pauses": {"before": waited}})
    return actions


def _apply_action(part: FaultPart, *, lease_seconds: float) -> dict[str, Any]:
    """Return what makes a fault, with a lease that outlasts its step: without one it would be undone before."""
    given = ("--with", json.dumps(part.parameters, sort_keys=True)) if part.parameters else ()
    return _fault_action("apply", part.fault, *given, "--for", f"{ceil(lease_seconds)}s")


def _fault_action(verb: str, fault: str, *more: str) -> dict[str, Any]:
    arguments = [*FAULT_COMMAND, verb, fault, *more]
    return {
        "type": "action",
        "name": f"{verb} {fault}",
        "provider": {"type": "process", "path": "opsctl", "arguments": arguments},
    }


def _tolerance(probe: Probe) -> Any:
    if probe.pattern is not None:
        return {"type": "regex", "pattern": probe.pattern, "target": "body"}
    if probe.json_path is not None and probe.between is None:
        expect = {} if probe.equals is None else {"expect": [probe.equals]}
        return {"type": "jsonpath", "path": json_path_of(probe.json_path), "target": "body", **expect}
    if probe.between is not None and probe.json_path is None:
        return {"type": "range", "range": list(probe.between), "target": "body"}
    return probe.status[0] if len(probe.status) == 1 else list(probe.status)
