"""How does a build server see a run of drills: a suite a scenario, a case each time that it was drilled."""

from collections.abc import Iterable, Sequence
from xml.etree import ElementTree as ET

from opsctl.core.junit_xml import add_cases, junit_text
from opsctl.core.outside_text import in_xml
from opsctl.dr.drill.journal import Entry, Journal
from opsctl.dr.drill.judge import Outcome
from opsctl.dr.drill.words import figure_lines, goals_text


def to_junit(journal: Journal) -> str:
    """Return a run as JUnit XML: a missed objective is a failure, and what says nothing an error, never a pass."""
    scenarios = dict.fromkeys(entry.run.scenario for entry in journal.entries)
    suites = [
        _suite([entry for entry in journal.entries if entry.run.scenario == name], journal=journal)
        for name in scenarios
    ]
    return junit_text("opsctl dr drill", suites, seconds=_seconds(journal.entries))


def _suite(entries: Sequence[Entry], *, journal: Journal) -> ET.Element:
    last = entries[-1]
    suite = ET.Element("testsuite", name=in_xml(f"opsctl dr drill {last.run.scenario}"))
    properties = ET.SubElement(suite, "properties")
    for name, value in (
        ("run", journal.run_id),
        ("book", last.book_digest),
        ("objectives", goals_text(last.goals)),
        ("simulated", ", ".join(journal.simulated) or "nothing"),
    ):
        ET.SubElement(properties, "property", name=name, value=in_xml(value))
    add_cases(suite, (_case(entry, number=number) for number, entry in enumerate(entries, start=1)))
    suite.set("time", f"{_seconds(entries):.3f}")
    return suite


def _case(entry: Entry, *, number: int) -> ET.Element:
    name, scenario = f"it comes back, run {number}", in_xml(entry.run.scenario)
    case = ET.Element("testcase", name=name, classname=f"dr.{scenario}", time=f"{_seconds([entry]):.3f}")
    verdict = entry.verdict
    if verdict.outcome is not Outcome.PASSED:
        kind = "failure" if verdict.outcome is Outcome.MISSED else "error"
        reasons = verdict.reasons or ("no reason was given",)
        problem = ET.SubElement(case, kind, type=str(verdict.outcome), message=in_xml(reasons[0]))
        problem.text = in_xml("\n".join(reasons))
    ET.SubElement(case, "system-out").text = in_xml("\n".join(_told(entry)))
    return case


def _told(entry: Entry) -> Iterable[str]:
    return [f"{entry.run.title}, seed {entry.run.seed}", *figure_lines(entry)]


def _seconds(entries: Iterable[Entry]) -> float:
    return sum(max(0.0, entry.run.ended_at - entry.run.started_at) for entry in entries)
