"""How does a build server see an estimate: each budget at each load as a JUnit test case."""

from xml.etree import ElementTree as ET

from opsctl.core.junit_xml import add_cases, junit_text
from opsctl.costs.model import BudgetCheck, Estimate
from opsctl.costs.words import amount, budget_words
from opsctl.evidence.model import Verdict


def to_junit(estimate: Estimate) -> str:
    """Return the estimate as one suite: a missed budget fails where it binds, and is skipped, with its figure, elsewhere.

    A budget of which nobody can tell is an error, so that it never looks like a pass.
    """
    suite = ET.Element("testsuite", name="opsctl costs estimate")
    add_cases(suite, [_case(check, binds=check.point is estimate.binding) for check in estimate.budgets])
    return junit_text("opsctl costs estimate", [suite])


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
