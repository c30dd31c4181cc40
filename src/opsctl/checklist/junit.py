"""How does a build server see the checklist: a suite a group, a case an item."""

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from opsctl.checklist.book import Group
from opsctl.checklist.evidence import figure_text, target_text
from opsctl.checklist.model import Judged, Report, State
from opsctl.core.junit_xml import add_cases, junit_text
from opsctl.core.outside_text import in_xml


def to_junit(report: Report) -> str:
    """Return a report as JUnit XML: fail and stale are failures, unknown an error, waived skipped with its reason."""
    groups = {group: [each for each in report.items if each.item.group is group] for group in Group}
    suites = [_suite(group, items) for group, items in groups.items() if items]
    return junit_text(in_xml(report.title), suites)


def _suite(group: Group, items: Sequence[Judged]) -> ET.Element:
    suite = ET.Element("testsuite", name=f"opsctl checklist {group}")
    add_cases(suite, [_case(group, each) for each in items])
    return suite


def _case(group: Group, judged: Judged) -> ET.Element:
    name = in_xml(f"{judged.code} {judged.item.title}")
    case = ET.Element("testcase", name=name, classname=f"checklist.{group}")
    text = in_xml(f"{judged.reason}\nfound {figure_text(judged)}, wanted {target_text(judged)}")
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
            ET.SubElement(case, "skipped", message=in_xml(f"{why} (else {judged.beneath})"))
    if judged.simulated:
        out = ET.SubElement(case, "system-out")
        out.text = in_xml(f"simulated: {', '.join(judged.simulated)}")
    return case


def _add(case: ET.Element, kind: str, judged: Judged, text: str) -> None:
    problem = ET.SubElement(case, kind, type=str(judged.state), message=in_xml(judged.reason))
    problem.text = text
