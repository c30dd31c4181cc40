"""Experiments of Chaos Toolkit come in with what they mean here, and drills go out as experiments that undo themselves."""

import json

import pytest
import yaml
from tests.chaos.drills import drill, named

from opsctl.chaos.book import Drill
from opsctl.chaos.steps import step_seconds
from opsctl.chaos.toolkit_export import render_experiment, to_experiment
from opsctl.chaos.toolkit_import import import_experiment
from opsctl.core.errors import UsageError

WHOLE = drill(
    why="feeds come from the tier below",
    tags=["ci"],
    catalogue=[1, 37],
    load={"returning_per_second": 5, "retries": 2},
    method=[
        {"fault": "vectors_down", "with": {"part": "vectors", "share": 0.5}, "lasts": "60s"},
        {"wait": "10s"},
        {"together": [{"fault": "vectors_stutter"}, {"fault": "l2_damaged"}], "lasts": "30s"},
    ],
    probes=[
        {"name": "ready", "url": "http://127.0.0.1/readyz", "every": "2s", "timeout": "1s", "status": [200, 204]},
        {"name": "fine", "url": "http://127.0.0.1/", "pattern": "ok"},
        {"name": "first", "url": "http://127.0.0.1/", "json_path": "items.0.id", "equals": 7},
        {"name": "few", "url": "http://127.0.0.1/", "json_path": "waiting", "between": [0, 5]},
        {"name": "number", "url": "http://127.0.0.1/", "between": [1, 2]},
    ],
    expect={"tier": "simple", "alerts": [{"name": "VectorStoreDown", "detect_within": "30s"}]},
    stop_when={"availability_below": 0.2, "for": "5s"},
)  # fmt: skip

# From the tutorials of Chaos Toolkit, shortened.
FOREIGN = """
version: 1.0.0
title: What happens if a certificate expires?
description: If a certificate expires, we should gracefully deal with the issue.
tags: [TLS, "3 tiers"]
configuration:
  port: 8443
  token: {type: env, key: TOKEN}
secrets: {vault: {}}
steady-state-hypothesis:
  title: Application responds
  probes:
  - {type: probe, name: the-astre-service-must-be-running, tolerance: true, provider: {type: python, module: os.path, func: exists}}
  - {type: probe, name: we-can-request-sunset, tolerance: 200, provider: {type: http, timeout: 3, url: "https://localhost:${port}/city/Paris"}}
  - {type: probe, name: body, tolerance: {type: jsonpath, path: "$.count", expect: [3]}, provider: {type: http, url: "http://localhost/a"}}
  - {type: probe, name: deep, tolerance: {type: jsonpath, path: "$..count"}, provider: {type: http, url: "http://localhost/a"}}
  - {type: probe, name: token, tolerance: 200, provider: {type: http, url: "http://localhost/${token}"}}
  - {type: probe, name: post, tolerance: 200, provider: {type: http, method: POST, url: "http://localhost/"}}
method:
- {type: action, name: swap-to-expired-cert, provider: {type: process, path: cp, arguments: expired.pem cert.pem}}
- {type: action, name: restart, provider: {type: python, module: x, func: y}, pauses: {after: 1}}
- {type: probe, name: in-between, tolerance: [200, 503], provider: {type: http, url: "http://localhost/b"}}
rollbacks:
- {type: action, name: swap-to-valid-cert, provider: {type: process, path: cp, arguments: valid.pem cert.pem}}
"""


def test_a_drill_comes_back_from_its_experiment_as_it_was():
    """Also what Chaos Toolkit has no word for."""
    back = import_experiment(render_experiment(named(WHOLE)), file="x.json")

    assert back.drill == WHOLE
    assert back.findings == ()


def test_an_experiment_that_was_edited_means_what_it_says_and_not_what_it_was():
    """The extension only adds what an experiment cannot say."""
    body = to_experiment(named(WHOLE))
    body["title"] = "another"
    body["method"][0]["pauses"]["after"] = 90
    body["steady-state-hypothesis"]["probes"][0]["tolerance"] = 500
    del body["steady-state-hypothesis"]["probes"][2]

    back = import_experiment(json.dumps(body), file="x.json").drill

    assert back.title == "another"
    assert step_seconds(back.method[0]) == 90
    assert back.probes[0].status == [500]
    assert len(back.probes) == 4
    assert back.expect == WHOLE.expect


def test_an_experiment_has_the_shape_that_chaos_toolkit_reads():
    """Its actions call opsctl, and its rollbacks run whatever happens."""
    body = yaml.safe_load(render_experiment(named(WHOLE)))

    assert body["runtime"]["rollbacks"]["strategy"] == "always"
    assert [(each["name"], each.get("pauses")) for each in body["method"]] == [
        ("apply vectors_down", {"after": 60.0}),
        ("undo vectors_down", None),
        ("apply vectors_stutter", {"before": 10.0}),
        ("apply l2_damaged", {"after": 30.0}),
        ("undo l2_damaged", None),
        ("undo vectors_stutter", None),
    ]
    assert body["method"][0]["provider"] == {
        "type": "process",
        "path": "opsctl",
        "arguments": [
            "chaos", "fault", "apply", "vectors_down",
            "--with", '{"part": "vectors", "share": 0.5}', "--for", "120s",
        ],
    }  # fmt: skip
    assert [each["name"] for each in body["rollbacks"]] == [
        "undo l2_damaged",
        "undo vectors_stutter",
        "undo vectors_down",
    ]
    tolerances = [each["tolerance"] for each in body["steady-state-hypothesis"]["probes"]]
    assert tolerances == [
        [200, 204],
        {"type": "regex", "pattern": "ok", "target": "body"},
        {"type": "jsonpath", "path": "$.items[0].id", "target": "body", "expect": [7]},
        200,
        {"type": "range", "range": [1.0, 2.0], "target": "body"},
    ]
    for activity in (*body["method"], *body["rollbacks"], *body["steady-state-hypothesis"]["probes"]):
        assert activity["type"] in ("action", "probe")
        assert activity["name"]


def test_a_fault_that_lasts_long_has_a_lease_that_lasts_longer():
    """Without one it would be taken back after a minute, and the rest would break nothing."""
    long = drill(method=[{"fault": "vectors_down", "lasts": "15m"}])

    (made, _) = to_experiment(named(long))["method"]

    assert made["provider"]["arguments"][-2:] == ["--for", "960s"]


def test_an_experiment_names_its_faults_that_cannot_be_made_by_hand():
    """They need the readers of whoever holds the ground, and Chaos Toolkit has none."""
    body = to_experiment(
        named(
            drill(method=[{"fault": "overload", "lasts": "60s"}, {"fault": "vectors_down", "lasts": "60s"}])
        )
    )

    assert body["extensions"][0]["refused_by_hand"] == ["overload"]


def test_a_null_drill_keeps_its_length():
    """Its waiting stands before an undo that undoes nothing."""
    null = drill(control="null_drill", method=[{"wait": "60s"}], expect={})

    assert import_experiment(render_experiment(named(null)), file="x.json").drill == null


def test_a_foreign_experiment_becomes_a_drill_of_probes_and_says_what_is_missing():
    """What cannot be run here is named, each with what to do."""
    back = import_experiment(FOREIGN, file="expired.yaml")

    assert isinstance(back.drill, Drill)
    assert back.drill.tags == ("tls", "tiers")
    assert [(probe.name, probe.url, probe.status, probe.json_path) for probe in back.drill.probes] == [
        ("we-can-request-sunset", "https://localhost:8443/city/Paris", [200], None),
        ("body", "http://localhost/a", [200], "count"),
        ("in-between", "http://localhost/b", [200, 503], None),
    ]
    assert back.drill.probes[0].timeout == "3s"
    assert [step_seconds(step) for step in back.drill.method] == [1.0]
    assert [
        (finding.code, finding.title.partition("`")[2].partition("`")[0]) for finding in back.findings
    ] == [
        ("CHA041", "the-astre-service-must-be-running"),
        ("CHA042", "deep"),
        ("CHA042", "token"),
        ("CHA041", "post"),
        ("CHA041", "swap-to-expired-cert"),
        ("CHA041", "restart"),
        ("CHA041", "swap-to-valid-cert"),
        ("CHA044", "secrets"),
    ]
    assert all(finding.fix for finding in back.findings)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "title: x", "{", "title: x\nmethod: 3", "title: x\nmethod: []", "title: x\nmethod: [3, {provider: 5}]",
     "title: x\nmethod: [{name: a, provider: {type: process, path: opsctl, arguments: [chaos, fault, apply, Bad Name]}}]"],
)  # fmt: skip
def test_what_is_no_experiment_or_empty_is_refused(text):
    """A drill that does nothing would be green for ever."""
    with pytest.raises(UsageError) as caught:
        import_experiment(text, file="x.yaml")

    assert caught.value.code == "CHA040"


def test_a_fault_without_a_pause_lasts_a_minute_and_that_is_told():
    """It would be over at once."""
    provider = {"type": "process", "path": "/usr/bin/opsctl", "arguments": "chaos fault apply vectors_down"}
    text = json.dumps({"title": "x", "method": [{"type": "action", "name": "a", "provider": provider}]})

    back = import_experiment(text, file="x.json")

    assert [step_seconds(step) for step in back.drill.method] == [60]
    assert [finding.code for finding in back.findings] == ["CHA043"]


@pytest.mark.parametrize(
    "change",
    [
        {"tags": 5},
        {"configuration": [1]},
        {"method": [{"type": "action", "provider": {"type": "process", "path": "opsctl", "arguments": 5}}]},
        {"method": [{"type": "action", "pauses": {"before": 10**400, "after": 1e308}}]},
        {"extensions": [{"name": "opsctl", "drill": {"probes": [{"name": 5}, {"name": "p", "timeout": 3}]}}]},
        {"steady-state-hypothesis": {"probes": [{"name": "p", "tolerance": 200, "provider": {"type": "http", "url": "http://127.0.0.1/", "timeout": 10**400}}]}},
    ],
)  # fmt: skip
def test_values_that_no_experiment_has_are_passed_over_or_named(change):
    """A drill or a refusal, never a traceback."""
    fault = {
        "type": "action",
        "provider": {"type": "process", "path": "opsctl", "arguments": "chaos fault apply nothing"},
    }
    probe = {
        "type": "probe",
        "name": "up",
        "tolerance": 200,
        "provider": {"type": "http", "url": "http://127.0.0.1/"},
    }
    experiment = {"title": "odd", "method": [fault, probe]} | change
    experiment["method"] = [*experiment["method"], probe]

    made = import_experiment(json.dumps(experiment), file="odd.json")

    assert [each.name for each in made.drill.probes][-1] == "up"
