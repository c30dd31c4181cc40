"""How does a build server see the checklist: a suite a group, a case an item."""

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from opsctl.checklist.book import Group
from opsctl.checklist.evidence import figure_text, target_text
from opsctl.checklist.model import Judged, Report, State

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_junit(report: Report) -> str:
    """Return a report as JUnit XML: fail and stale are failures, unknown an error, waived skipped with its reason."""
    root = ET.Element("testsuites", name=_clean(report.title))
    for group in Group:
        items = [each for each in report.items if each.item.group is group]
        if items:
            root.append(_suite(group, items))
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(group: Group, items: Sequence[Judged]) -> ET.Element:
    suite = ET.Element("testsuite", name=f"opsctl checklist {group}")
    cases = [_case(group, each) for each in items]
    suite.extend(cases)
    suite.set("tests", str(len(cases)))
    for kind, name in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        suite.set(name, str(sum(case.find(kind) is not None for case in cases)))
    return suite


def _case(group: Group, judged: Judged) -> ET.Element:
    name = _clean(f"{judged.code} {judged.item.title}")
    case = ET.Element("testcase", name=name, classname=f"checklist.{group}")
    text = _clean(f"{judged.reason}\nfound {figure_text(judged)}, wanted {target_text(judged)}")
    match judged.state:
        case State.PASS:
            pass
        case State.FAIL | State.STALE:
            _add(case, "failure", judged, text)
        case State.UNKNOWN:
            _add(case, "error", judged, text)
        case State.WAIVED:
            said = judged.waiver
            why = f"waived by {said.account} until {said.expires_at:%Y-%m-%d}: {said.reason}" if said else ""
            ET.SubElement(case, "skipped", message=_clean(f"{why} (else {judged.beneath})"))
    if judged.simulated:
        out = ET.SubElement(case, "system-out")
        out.text = _clean(f"simulated: {', '.join(judged.simulated)}")
    return case


def _add(case: ET.Element, kind: str, judged: Judged, text: str) -> None:
    problem = ET.SubElement(case, kind, type=str(judged.state), message=_clean(judged.reason))
    problem.text = text


def _clean(text: str) -> str:
    return _NO_XML.sub("�", text)
