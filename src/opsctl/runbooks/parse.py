"""What stands in a runbook: headings, fenced commands with the sentence before them, and links."""

import re
from dataclasses import dataclass, field

from opsctl.runbooks.model import Heading, Runbook, Step

_HEADING = re.compile(r"^#{1,6}\s+(?P<text>.+?)\s*#*$")
_FENCE = re.compile(r"^(?P<indent>\s*)```(?P<language>\w*)\s*$")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_SHELLS = ("sh", "bash", "console")


@dataclass(slots=True)
class _Reading:
    headings: list[tuple[str, int, list[str]]] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    links: list[tuple[str, int]] = field(default_factory=list)
    said: str = ""


def parse_runbook(name: str, text: str, *, file: str) -> Runbook:
    """Return what stands in a Markdown file; never fails: what is missing is for lint to say."""
    reading = _Reading()
    lines = text.splitlines()
    index = 0
    while index < len(lines):
        index = _read_line(lines, index, reading)
    return Runbook(
        name=name,
        file=file,
        text=text,
        headings=tuple(
            Heading(text=heading, line=line, has_body=any(each.strip() for each in body))
            for heading, line, body in reading.headings
        ),
        steps=tuple(reading.steps),
        links=tuple(reading.links),
    )


def _read_line(lines: list[str], index: int, reading: _Reading) -> int:
    """Read a line, or a whole fenced block, and return the index of the next one."""
    line = lines[index]
    fence = _FENCE.match(line)
    if fence is not None:
        return _read_fence(lines, index, fence, reading)
    heading = _HEADING.match(line)
    if heading is not None:
        reading.headings.append((heading["text"], index + 1, []))
        return index + 1
    if reading.headings:
        reading.headings[-1][2].append(line)
    if line.strip():
        reading.said = re.sub(r"^\s*\d+\.\s+", "", line.strip())
    reading.links += [(found["target"], index + 1) for found in _LINK.finditer(line)]
    return index + 1


def _read_fence(lines: list[str], index: int, fence: "re.Match[str]", reading: _Reading) -> int:
    end = index + 1
    while end < len(lines) and not lines[end].strip().startswith("```"):
        end += 1
    indent = len(fence["indent"])
    body = [
        each[indent:] if each[:indent].isspace() or not indent else each for each in lines[index + 1 : end]
    ]
    if reading.headings:
        reading.headings[-1][2].extend(body)
    if fence["language"] in _SHELLS and any(each.strip() for each in body):
        section = reading.headings[-1][0] if reading.headings else ""
        step = Step(
            number=len(reading.steps) + 1,
            section=section,
            text=reading.said,
            command="\n".join(body).strip(),
            line=index + 2,
        )
        reading.steps.append(step)
    return end + 1
