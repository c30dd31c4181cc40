"""Findings for other programs: texts from outside never break the format they are put in."""

import json
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema_rs import validator_for
from tests.security.sarif_rules import RULES

from opsctl.core.differences import differences
from opsctl.core.finding_formats import github, junit, sarif
from opsctl.core.findings import Finding, Location, Severity


def finding(title: str, *, fix: str | None = None) -> Finding:
    """Return a finding at a place."""
    return Finding(
        code="ALR010",
        severity=Severity.ERROR,
        title=title,
        location=Location(file="alerts/a,b:c.yaml", line=3, column=7),
        fix=fix,
    )


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=80))
def test_any_text_makes_well_formed_files(title: str):
    """Control characters, quotes, angle brackets, newlines."""
    found = [finding(title, fix=title)]

    assert ET.fromstring(junit(found, suite="alerts")).get("failures") == "1"  # noqa: S314 - our own text
    document = json.loads(sarif(found, version="1", explain=lambda code: f"{code}: why"))
    assert title in document["runs"][0]["results"][0]["message"]["text"]
    assert github(found).count("\n") == 1


def test_an_annotation_of_github_stands_at_its_line():
    """Commas and colons of a file name are written as GitHub wants them."""
    assert (
        github([finding("50 %\nmore")])
        == "::error file=alerts/a%2Cb%3Ac.yaml,line=3,col=7,title=ALR010::50 %25%0Amore\n"
    )


def test_no_findings_are_a_passing_case():
    """An empty suite looks like a job that did not run."""
    suite = ET.fromstring(junit([], suite="alerts"))  # noqa: S314 - our own text

    assert (suite.get("tests"), suite.get("failures")) == ("1", "0")


@pytest.mark.parametrize(
    ("there", "found"),
    [
        ({"a": "1\n", "b": "2\n"}, []),
        ({"a": "1\n"}, [("b", "missing")]),
        ({"a": "1\n", "b": "3\n"}, [("b", "changed")]),
        ({"a": "1\n", "b": "2\n", "c": ""}, [("c", "left over")]),
    ],
)
def test_what_differs_on_the_disk_is_named(there: dict[str, str], found: list[tuple[str, str]]):
    """Missing, changed, left over."""
    assert [(each.path, each.state) for each in differences({"a": "1\n", "b": "2\n"}, there)] == found


def test_sarif_of_lints_keeps_the_standard_and_takes_rules_from_their_pages():
    """The same writer as the audit's: closed objects, an address for any file, and the worst level of a code as its rule's."""
    mild = Finding(
        code="ALR010",
        severity=Severity.WARNING,
        title="mild",
        location=Location(file="alerts/ä [1].yaml"),
    )
    nowhere = Finding(code="ALR011", severity=Severity.INFO, title="of no file", location=None)

    text = sarif(
        [mild, finding("bad"), nowhere], version="1", explain=lambda code: f"{code} is so.\n\nMore of it."
    )
    document = json.loads(text)
    (run,) = document["runs"]

    validator_for(RULES).validate(document)
    assert [
        (each["id"], each["defaultConfiguration"]["level"]) for each in run["tool"]["driver"]["rules"]
    ] == [
        ("ALR010", "error"),
        ("ALR011", "note"),
    ]
    assert run["tool"]["driver"]["rules"][0]["help"]["text"] == "ALR010 is so.\n\nMore of it."
    assert [each["level"] for each in run["results"]] == ["warning", "error", "note"]
