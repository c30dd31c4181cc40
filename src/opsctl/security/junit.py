"""How does a build server see an audit: a suite, and a case for each check."""

from xml.etree import ElementTree as ET

from opsctl.core.junit_xml import add_cases, junit_text
from opsctl.core.outside_text import in_xml
from opsctl.security.audit import Audit, Checked
from opsctl.security.model import State


def to_junit(audit: Audit) -> str:
    """Return an audit as JUnit XML.

    What could not be told is an error, since it must not look like a pass; what is waived is skipped, with the reason.
    """
    seconds = sum(each.seconds for each in audit.checked)
    suite = ET.Element("testsuite", name="opsctl security audit")
    add_cases(suite, [_case(each) for each in audit.checked])
    suite.set("time", f"{seconds:.3f}")
    return junit_text("opsctl security audit", [suite], seconds=seconds)


def _case(checked: Checked) -> ET.Element:
    name = in_xml(f"{checked.check.code} {checked.check.title}")
    case = ET.Element("testcase", name=name, classname="security.audit", time=f"{checked.seconds:.3f}")
    match checked.state:
        case State.FAIL:
            found = ET.SubElement(case, "failure", type=checked.check.weight, message=in_xml(checked.reason))
            found.text = in_xml("\n".join([each.title for each in checked.troubles] + _hint(checked)))
        case State.UNKNOWN:
            found = ET.SubElement(case, "error", type="unknown", message=in_xml(checked.reason))
            found.text = in_xml("\n".join(_hint(checked)))
        case State.WAIVED:
            ET.SubElement(case, "skipped", message=in_xml(_waived(checked)))
        case State.PASS:
            pass
    return case


def _hint(checked: Checked) -> list[str]:
    return [f"hint: {checked.mend}"] if checked.mend else []


def _waived(checked: Checked) -> str:
    waivers = dict.fromkeys(accepted.waiver for accepted in checked.accepted)
    told = "; ".join(f"{each.reason} ({each.owner}, until {each.expires})" for each in waivers)
    return f"waived: {told}"
