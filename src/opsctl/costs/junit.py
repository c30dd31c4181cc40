"""How does a build server see an estimate: each budget at each load as a JUnit test case."""

from xml.etree import ElementTree as ET

from opsctl.costs.model import BudgetCheck, Estimate
from opsctl.costs.words import amount, budget_words
from opsctl.evidence.model import Verdict


def to_junit(estimate: Estimate) -> str:
    """Return the estimate as one suite: a missed budget fails where it binds, and is skipped, with its figure, elsewhere.

    A budget of which nobody can tell is an error, so that it never looks like a pass.
    """
    suite = ET.Element("testsuite", name="opsctl costs estimate")
    cases = [_case(check, binds=check.point is estimate.binding) for check in estimate.budgets]
    suite.extend(cases)
    for kind, name in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        suite.set(name, str(sum(case.find(kind) is not None for case in cases)))
    suite.set("tests", str(len(cases)))
    root = ET.Element("testsuites", dict(suite.attrib))
    root.append(suite)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _case(check: BudgetCheck, *, binds: bool) -> ET.Element:
    case = ET.Element(
        "testcase", {"classname": f"opsctl.costs.{check.point}", "name": budget_words(check), "time": "0"}
    )
    seen = amount(check)
    if check.verdict is Verdict.PASS:
        return case
    if not binds:
        ET.SubElement(case, "skipped", message=f"{seen}; does not bind at this load")
    elif check.verdict is Verdict.FAIL:
        ET.SubElement(case, "failure", type="budget", message=seen)
    else:
        ET.SubElement(case, "error", type="inconclusive", message=f"cannot tell: {seen}")
    return case
