"""How does a build server see a run of drills: a suite a drill, a case for each aspect that is judged."""

import re
from collections.abc import Iterable
from xml.etree import ElementTree as ET

from opsctl.chaos.journal import Entry, Journal
from opsctl.chaos.verdict import Aspect, Outcome, Reason

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_junit(journal: Journal) -> str:
    """Return a run as JUnit XML.

    What deviates is a failure. What could not be told, or was left behind, is an error, since it must not look like a pass.
    """
    root = ET.Element("testsuites", name="opsctl chaos")
    suites = [_suite(entry, run_id=journal.run_id) for entry in journal.entries]
    root.extend(suites)
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in suites)))
    root.set("time", f"{sum(entry.report.seconds for entry in journal.entries):.3f}")
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(entry: Entry, *, run_id: str) -> ET.Element:
    suite = ET.Element("testsuite", name=_clean(f"opsctl chaos {entry.report.drill}"))
    properties = ET.SubElement(suite, "properties")
    for name, value in (("run", run_id), ("book", entry.book_digest), ("control", str(entry.report.control))):
        ET.SubElement(properties, "property", name=name, value=_clean(value))
    cases = [_verdict_case(entry), *(_case(aspect, entry) for aspect in Aspect)]
    suite.extend(cases)
    suite.set("tests", str(len(cases)))
    for kind, name in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        suite.set(name, str(sum(case.find(kind) is not None for case in cases)))
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
    problem = ET.SubElement(case, kind, type=type_, message=_clean(texts[0]))
    problem.text = _clean("\n".join(texts))


def _element(name: str, entry: Entry) -> ET.Element:
    drill = _clean(entry.report.drill)
    return ET.Element("testcase", name=name, classname=f"chaos.{drill}", time=f"{entry.report.seconds:.3f}")


def _clean(text: str) -> str:
    return _NO_XML.sub("�", text)
