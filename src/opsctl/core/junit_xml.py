"""What is a JUnit document: suites of cases, each sum true, in the words that every build server reads."""

from collections.abc import Iterable, Sequence
from xml.etree import ElementTree as ET

_KINDS = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def add_cases(suite: ET.Element, cases: Iterable[ET.Element]) -> None:
    """Put cases into a suite, which then tells how many it has, and how many of them failed, erred or were skipped."""
    suite.extend(cases)
    held = suite.findall("testcase")
    suite.set("tests", str(len(held)))
    for name, kind in _KINDS.items():
        suite.set(name, str(sum(case.find(kind) is not None for case in held)))


def junit_text(name: str, suites: Sequence[ET.Element], *, seconds: float | None = None) -> str:
    """Return suites as one document, whose root tells their sums; `seconds` is how long all of it took."""
    root = ET.Element("testsuites", name=name)
    root.extend(suites)
    for count in ("tests", *_KINDS):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in suites)))
    if seconds is not None:
        root.set("time", f"{seconds:.3f}")
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'
