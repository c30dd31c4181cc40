"""How does a build server see a load run: gates and validity as JUnit test cases."""

from xml.etree import ElementTree as ET

from opsctl.bench.load.model import GateCheck, LoadReport
from opsctl.bench.load.words import amount, interval_text, reasons_invalid, verdict_sentence
from opsctl.core.findings import Finding
from opsctl.core.junit_xml import add_cases, junit_text
from opsctl.core.outside_text import in_xml
from opsctl.evidence.model import Verdict


def to_junit(report: LoadReport, *, run_id: str) -> str:
    """Return the run as one JUnit test suite.

    A missed gate is a failure. What makes the run invalid is an error, and the gates are skipped then: an invalid run
    neither passes nor fails them. A gate that cannot be decided is an error too, since it must not look like a pass.
    """
    name = in_xml(f"opsctl bench load {report.load}")
    suite = ET.Element("testsuite", name=name)
    _add_properties(suite, report, run_id=run_id)
    reasons = reasons_invalid(report)
    add_cases(suite, [_validity_case(reasons, report), *(_gate_case(gate, report) for gate in report.gates)])
    suite.set("time", f"{report.duration_seconds:.3f}")
    return junit_text(name, [suite], seconds=report.duration_seconds)


def _add_properties(suite: ET.Element, report: LoadReport, *, run_id: str) -> None:
    values = {
        "run": run_id,
        "engine": report.engine,
        "loop": report.loop,
        "seed": str(report.seed),
        "plan": report.plan_digest,
        "commit": report.git_commit or "",
        "simulated": ", ".join(report.simulated),
    }
    properties = ET.SubElement(suite, "properties")
    for name, value in values.items():
        if value:
            ET.SubElement(properties, "property", name=name, value=in_xml(value))


def _validity_case(reasons: list[Finding], report: LoadReport) -> ET.Element:
    case = _case("the run is valid", report)
    if reasons:
        message = "; ".join(f"{each.code} {each.title}" for each in reasons)
        problem = ET.SubElement(case, "error", type="invalid", message=in_xml(message))
        problem.text = in_xml("\n".join(_reason(each) for each in reasons))
    elif report.aborted:
        ET.SubElement(case, "failure", type="aborted", message=in_xml(f"ended early: {report.aborted}"))
    return case


def _gate_case(gate: GateCheck, report: LoadReport) -> ET.Element:
    case = _case(f"abort: {gate.gate}" if gate.is_abort else gate.gate, report)
    seen = f"{gate.metric} is {amount(gate.value, unit=gate.unit)}"
    if gate.low is not None:
        seen += f" ({interval_text(gate)})"
    if not report.is_valid:
        ET.SubElement(case, "skipped", message="the run is invalid")
    elif gate.verdict is Verdict.FAIL:
        failure = ET.SubElement(case, "failure", type="gate", message=in_xml(f"{seen}; gate `{gate.gate}`"))
        failure.text = in_xml(verdict_sentence(report))
    elif gate.verdict is Verdict.INCONCLUSIVE:
        message = f"cannot tell: {seen}; gate `{gate.gate}`"
        ET.SubElement(case, "error", type="inconclusive", message=in_xml(message))
    return case


def _case(name: str, report: LoadReport) -> ET.Element:
    attributes = {"classname": in_xml(f"opsctl.load.{report.load}"), "name": in_xml(name), "time": "0"}
    return ET.Element("testcase", attributes)


def _reason(finding: Finding) -> str:
    parts = [f"{finding.code}: {finding.title}", finding.evidence, finding.fix and f"hint: {finding.fix}"]
    return "\n  ".join(part for part in parts if part)
