"""The texts that reports for other programs are made of: Markdown, JUnit, and a part between marks."""

import doctest
from xml.etree import ElementTree as ET

import pytest

from opsctl.core import markdown_table, marked_part, outside_text
from opsctl.core.junit_xml import add_cases, junit_text
from opsctl.core.marked_part import with_part


@pytest.mark.parametrize("module", [marked_part, markdown_table, outside_text])
def test_examples_in_the_docstrings_hold(module):
    """Every example that the modules show is true."""
    assert doctest.testmod(module).failed == 0


def case(kind: str | None) -> ET.Element:
    """Return a case that ended so."""
    made = ET.Element("testcase", name=kind or "good")
    if kind:
        ET.SubElement(made, kind, message="<why>")
    return made


def test_the_sums_of_a_junit_document_are_those_of_its_cases():
    """Of each suite, and of all of them."""
    first, second = ET.Element("testsuite", name="a"), ET.Element("testsuite", name="b")
    ET.SubElement(first, "properties")
    add_cases(first, [case(None), case("failure"), case("failure"), case("error")])
    add_cases(second, [case("skipped")])

    root = ET.fromstring(junit_text("all", [first, second], seconds=1.5))  # noqa: S314 - our own

    sums = {"tests": "5", "failures": "2", "errors": "1", "skipped": "1"}
    assert dict(root.attrib) == {"name": "all", **sums, "time": "1.500"}
    assert {name: root[0].get(name) for name in sums} == sums | {"tests": "4", "skipped": "0"}
    assert len(root.findall("testsuite/testcase")) == 5


@pytest.mark.parametrize("page", ["", "<!--b-->\n", "<!--e-->\n<!--b-->\n"])
def test_a_page_without_both_marks_has_no_place_for_a_part(page):
    """In their order, too."""
    assert with_part(page, "new\n", begin="<!--b-->", end="<!--e-->") is None
