"""What stands in a runbook: headings, fenced commands with the text before them, links."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from opsctl.runbooks.model import Flaw, Heading, Link, Runbook, Step

_HEADING = re.compile(r"^ {0,3}#{1,6}\s+(?P<text>.+?)\s*#*\s*$")
_FENCE = re.compile(r"^(?P<indent>\s*)(?P<marks>`{3,}|~{3,})\s*(?P<language>[\w+-]*)[^`]*$")
_LINK = re.compile(r"\[[^\]]*\]\(\s*<?(?P<target>[^)\s>]+)>?(?:\s+(?:\"[^\"]*\"|'[^']*'))?\s*\)")
_REFERENCE = re.compile(r"^ {0,3}\[[^\]]+\]:\s*<?(?P<target>[^\s>]+)")
_CODE_SPAN = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)")
_LISTED = re.compile(r"^\s*(?P<number>\d{1,9})[.)]\s+")
_SHELLS = ("sh", "bash", "shell")


@dataclass(slots=True)
class _Reading:
    """What was seen so far; `said` is the paragraph that goes on."""

    headings: list[tuple[str, int]] = field(default_factory=list)
    filled: set[int] = field(default_factory=set)
    steps: list[Step] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    flaws: list[Flaw] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    paragraph_ended: bool = False


def parse_runbook(name: str, text: str, *, file: str) -> Runbook:
    """Return what stands in a Markdown file; never fails: what is missing is for lint to say."""
    reading = _Reading()
    lines = text.splitlines()
    index = 0
    while index < len(lines):
        index = _read(lines, index, reading)
    return Runbook(
        name=name,
        file=file,
        text=text,
        headings=_headings(reading),
        steps=tuple(reading.steps),
        links=tuple(reading.links),
        flaws=tuple(reading.flaws),
    )


def segments(text: str) -> Iterator[tuple[bool, str]]:
    """Yield a text in pieces: whether it is the inside of a fenced block, and the piece without fences and indent.

    >>> list(segments(chr(10).join(["Look:", "   ```sh", "   date", "   ```", "Done."])))
    [(False, 'Look:'), (True, 'date'), (False, 'Done.')]
    """
    lines, prose, index = text.splitlines(), list[str](), 0
    while index < len(lines):
        fence = _FENCE.match(lines[index])
        if fence is None:
            prose.append(lines[index])
            index += 1
            continue
        if prose:
            yield False, "\n".join(prose)
        end = _end_of(lines, index, fence)
        yield True, "\n".join(_dedented(lines[index + 1 : end], fence))
        prose, index = [], end + 1
    if prose:
        yield False, "\n".join(prose)


def anchor_of(heading: str) -> str:
    """Return what a link to a heading is called.

    >>> anchor_of("What `L1` holds, and why")
    'what-l1-holds-and-why'
    """
    kept = re.sub(r"[^\w\- ]", "", heading.lower())
    return kept.replace(" ", "-")


def _read(lines: list[str], index: int, reading: _Reading) -> int:
    """Read a line, or a whole fenced block, and return the index of the next one."""
    line = lines[index]
    fence = _FENCE.match(line)
    if fence is not None:
        return _read_fence(lines, index, fence, reading)
    heading = _HEADING.match(line)
    if heading is not None:
        reading.headings.append((heading["text"], index + 1))
        reading.said = []
    elif line.strip():
        _hear(line.strip(), reading)
    else:
        reading.paragraph_ended = True
    seen = _CODE_SPAN.sub("", line)
    reading.links += [
        Link(target=found["target"], line=index + 1)
        for found in (*_LINK.finditer(seen), *_REFERENCE.finditer(seen))
    ]
    return index + 1


def _hear(text: str, reading: _Reading) -> None:
    """Take a line into the paragraph before a command; a new item of a list is a new paragraph."""
    if reading.paragraph_ended or _LISTED.match(text):
        reading.said = []
    reading.paragraph_ended = False
    reading.said.append(text)
    reading.filled.add(len(reading.headings))


def _read_fence(lines: list[str], index: int, fence: "re.Match[str]", reading: _Reading) -> int:
    """Read a fenced block and return the index of the line behind it."""
    end = _end_of(lines, index, fence)
    if end == len(lines):
        reading.flaws.append(Flaw(title="a fenced block is never closed", line=index + 1))
    if not fence["language"]:
        reading.flaws.append(Flaw(title="a fenced block does not say what it holds", line=index + 1))
    body = _dedented(lines[index + 1 : end], fence)
    if any(line.strip() for line in body):
        reading.filled.add(len(reading.headings))
        if fence["language"].lower() in _SHELLS:
            reading.steps.append(_step(body, line=index + 2, reading=reading))
    reading.said, reading.paragraph_ended = [], False
    return end + 1


def _end_of(lines: list[str], index: int, fence: "re.Match[str]") -> int:
    """Return the index of the line that closes a block; the number of lines where none does."""
    closing = re.compile(rf"^\s*{re.escape(fence['marks'][0])}{{{len(fence['marks'])},}}\s*$")
    return next((at for at in range(index + 1, len(lines)) if closing.match(lines[at])), len(lines))


def _dedented(body: list[str], fence: "re.Match[str]") -> list[str]:
    """Return the lines of a block without the indent of its fence."""
    indent = len(fence["indent"])
    return [line[indent:] if not line[:indent].strip() else line.lstrip() for line in body]


def _step(body: list[str], *, line: int, reading: _Reading) -> Step:
    said = " ".join(reading.said)
    listed = _LISTED.match(said)
    blank_before = next(at for at, each in enumerate(body) if each.strip())
    return Step(
        number=len(reading.steps) + 1,
        listed=int(listed["number"]) if listed else None,
        section=reading.headings[-1][0] if reading.headings else "",
        text=said[listed.end() :] if listed else said,
        command="\n".join(body).strip(),
        line=line + blank_before,
    )


def _headings(reading: _Reading) -> tuple[Heading, ...]:
    """Return the headings; a name that comes again gets a number behind it, as GitHub does it."""
    seen: Counter[str] = Counter()
    found = []
    for position, (text, line) in enumerate(reading.headings, start=1):
        anchor = anchor_of(text)
        numbered = f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor
        seen[anchor] += 1
        found.append(Heading(text=text, line=line, anchor=numbered, has_body=position in reading.filled))
    return tuple(found)
