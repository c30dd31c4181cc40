"""How does a build server see a load run: gates and validity as JUnit test cases."""

import re
from xml.etree import ElementTree as ET

from opsctl.bench.load.model import GateCheck, LoadReport
from opsctl.bench.load.words import amount, interval_text, reasons_invalid, verdict_sentence
from opsctl.core.findings import Finding
from opsctl.evidence.model import Verdict

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_junit(report: LoadReport, *, run_id: str) -> str:
    """Return the run as one JUnit test suite.

    A missed gate is a failure. What makes the run invalid is an error, and the gates are skipped then: an invalid run
    neither passes nor fails them. A gate that cannot be decided is an error too, since it must not look like a pass.
    """
    suite = ET.Element("testsuite", name=_clean(f"opsctl bench load {report.load}"))
    _add_properties(suite, report, run_id=run_id)
    reasons = reasons_invalid(report)
    cases = [_validity_case(reasons, report), *(_gate_case(gate, report) for gate in report.gates)]
    suite.extend(cases)
    counted = {
        kind: sum(case.find(kind) is not None for case in cases) for kind in ("failure", "error", "skipped")
    }
    suite.set("tests", str(len(cases)))
    suite.set("failures", str(counted["failure"]))
    suite.set("errors", str(counted["error"]))
    suite.set("skipped", str(counted["skipped"]))
    suite.set("time", f"{report.duration_seconds:.3f}")
    root = ET.Element("testsuites", dict(suite.attrib))
    root.append(suite)
    ET.indent(root)
    body = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


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
            ET.SubElement(properties, "property", name=name, value=_clean(value))


def _validity_case(reasons: list[Finding], report: LoadReport) -> ET.Element:
    case = _case("the run is valid", report)
    if reasons:
        message = "; ".join(f"{each.code} {each.title}" for each in reasons)
        problem = ET.SubElement(case, "error", type="invalid", message=_clean(message))
        problem.text = _clean("\n".join(_reason(each) for each in reasons))
    elif report.aborted:
        ET.SubElement(case, "failure", type="aborted", message=_clean(f"ended early: {report.aborted}"))
    return case


def _gate_case(gate: GateCheck, report: LoadReport) -> ET.Element:
    case = _case(f"abort: {gate.gate}" if gate.is_abort else gate.gate, report)
    seen = f"{gate.metric} is {amount(gate.value, unit=gate.unit)}"
    if gate.low is not None:
        seen += f" ({interval_text(gate)})"
    if not report.is_valid:
        ET.SubElement(case, "skipped", message="the run is invalid")
    elif gate.verdict is Verdict.FAIL:
        failure = ET.SubElement(case, "failure", type="gate", message=_clean(f"{seen}; gate `{gate.gate}`"))
        failure.text = _clean(verdict_sentence(report))
    elif gate.verdict is Verdict.INCONCLUSIVE:
        message = f"cannot tell: {seen}; gate `{gate.gate}`"
        ET.SubElement(case, "error", type="inconclusive", message=_clean(message))
    return case


def _case(name: str, report: LoadReport) -> ET.Element:
    attributes = {"classname": _clean(f"opsctl.load.{report.load}"), "name": _clean(name), "time": "0"}
    return ET.Element("testcase", attributes)


def _reason(finding: Finding) -> str:
    parts = [f"{finding.code}: {finding.title}", finding.evidence, finding.fix and f"hint: {finding.fix}"]
    return "\n  ".join(part for part in parts if part)


def _clean(text: str) -> str:
    """Leave out what no XML document may hold, such as the escape that begins a terminal's colours."""
    return _NO_XML.sub("", text)
