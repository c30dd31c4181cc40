"""How does a build server see a run of drills: a suite a drill, a case for each aspect that is judged."""

from collections.abc import Iterable
from xml.etree import ElementTree as ET

from opsctl.chaos.journal import Entry, Journal
from opsctl.chaos.verdict import Aspect, Outcome, Reason
from opsctl.core.junit_xml import add_cases, junit_text
from opsctl.core.outside_text import in_xml


def to_junit(journal: Journal) -> str:
    """Return a run as JUnit XML.

    What deviates is a failure. What could not be told, or was left behind, is an error, since it must not look like a pass.
    """
    suites = [_suite(entry, run_id=journal.run_id) for entry in journal.entries]
    seconds = sum(entry.report.seconds for entry in journal.entries)
    return junit_text("opsctl chaos", suites, seconds=seconds)


def _suite(entry: Entry, *, run_id: str) -> ET.Element:
    suite = ET.Element("testsuite", name=in_xml(f"opsctl chaos {entry.report.drill}"))
    properties = ET.SubElement(suite, "properties")
    for name, value in (("run", run_id), ("book", entry.book_digest), ("control", str(entry.report.control))):
        ET.SubElement(properties, "property", name=name, value=in_xml(value))
    add_cases(suite, [_verdict_case(entry), *(_case(aspect, entry) for aspect in Aspect)])
    suite.set("time", f"{entry.report.seconds:.3f}")
    return suite


def _verdict_case(entry: Entry) -> ET.Element:
    outcome, reasons = entry.verdict.outcome, entry.verdict.reasons
    case = _element("the drill held", entry)
    if outcome is not Outcome.HELD:
        kind = "failure" if outcome is Outcome.DEVIATED else "error"
        _add(case, kind, reasons, type_=str(outcome))
    return case


def _case(aspect: Aspect, entry: Entry) -> ET.Element:
    case = _element(str(aspect), entry)
    reasons = [reason for reason in entry.verdict.reasons if reason.aspect is aspect]
    is_error = aspect in (Aspect.UNDO, Aspect.MEASUREMENT)
    if reasons:
        _add(case, "error" if is_error else "failure", reasons, type_=str(aspect))
    elif entry.report.fault_at is None and not is_error:
        ET.SubElement(case, "skipped", message="nothing was broken, so nothing was judged")
    return case


def _add(case: ET.Element, kind: str, reasons: Iterable[Reason], *, type_: str) -> None:
    texts = [reason.text for reason in reasons] or ["no reason was given"]
    problem = ET.SubElement(case, kind, type=type_, message=in_xml(texts[0]))
    problem.text = in_xml("\n".join(texts))


def _element(name: str, entry: Entry) -> ET.Element:
    drill = in_xml(entry.report.drill)
    return ET.Element("testcase", name=name, classname=f"chaos.{drill}", time=f"{entry.report.seconds:.3f}")
