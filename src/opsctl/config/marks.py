"""Where in a YAML file does a key or value stand: a document together with the place of every node."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from opsctl.core.findings import Finding, Location, Severity

Path = tuple[str | int, ...]

# Far above any real book; a file beyond it is a mistake, or an attack by aliases of aliases of aliases.
MOST_BYTES = 2 * 1024 * 1024
MOST_NODES = 200_000
# What reads nodes goes down as deep as they do, libyaml's own composer in C too: beyond its stack the process ends.
DEEPEST = 100
# Nobody mends more at once; each problem quotes its line, so that many of them would take hours.
MOST_PROBLEMS = 200
# Python refuses to write down a number of more than 4,300 digits, which every message would have to.
_LONGEST_NUMBER = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedDocument:
    """A YAML document as plain values, with the place of each key and value and what is wrong in its syntax."""

    value: Any
    keys: dict[Path, tuple[int, int]] = field(default_factory=dict)
    values: dict[Path, tuple[int, int]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    def place_of(self, path: Path, *, prefer_key: bool) -> tuple[int, int]:
        """Return line and column, from 1, of the nearest node that exists on the way to `path`."""
        first, second = (self.keys, self.values) if prefer_key else (self.values, self.keys)
        for length in range(len(path), -1, -1):
            for places in (first, second):
                if path[:length] in places:
                    return places[path[:length]]
        return 1, 1


def read_marked(text: str, *, file: str) -> MarkedDocument:
    """Parse one YAML document and keep the marks; problems of syntax come back as findings."""
    loader = yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader
    node: yaml.Node | None = None
    try:
        node, refusal = _composed(text, loader, file=file)
        if refusal is not None:
            return MarkedDocument(value=None, findings=(refusal,))
        value = yaml.load(text, Loader=loader)  # noqa: S506 - both loaders are the safe ones
    except (yaml.YAMLError, RecursionError) as error:
        return MarkedDocument(value=None, findings=(_syntax_finding(error, text=text, file=file),))
    except (ValueError, KeyError, AttributeError, IndexError) as error:
        # What PyYAML raises where a text is not of the kind that its tag, or its looks, say: `!!bool foo`.
        unreadable = _first_scalar(node, _is_unreadable)
        finding = _syntax_finding(error, text=text, file=file)
        if unreadable is not None:
            finding = _kind_finding(unreadable, text=text, file=file)
        return MarkedDocument(value=None, findings=(finding,))
    return _marked(node, value, text=text, file=file)


def _composed(text: str, loader: Any, *, file: str) -> tuple[yaml.Node | None, Finding | None]:
    """Return the node of a document, or why no value is made of it."""
    if len(text) > MOST_BYTES:
        return None, _size_finding(f"{len(text):,} characters", text, file=file)
    too_deep = _first_too_deep(text, loader)
    if too_deep is not None:
        return None, _depth_finding(too_deep, text=text, file=file)
    node = yaml.compose(text, Loader=loader)
    if is_bloated(node):
        seen = f"more than {MOST_NODES:,} values, aliases resolved"
        return node, _size_finding(seen, text, file=file)
    too_long = _first_scalar(node, _is_too_long)
    return node, None if too_long is None else _kind_finding(too_long, text=text, file=file)


def _marked(node: yaml.Node | None, value: Any, *, text: str, file: str) -> MarkedDocument:
    """Return a value with the places of its parts, and what stands twice in it."""
    keys: dict[Path, tuple[int, int]] = {}
    values: dict[Path, tuple[int, int]] = {}
    findings: list[Finding] = []
    twice: set[Path] = set()
    for path, key_node, value_node in _walk(node, ()):
        if key_node is not None:
            is_shown = len(findings) < MOST_PROBLEMS
            if is_shown and path in keys and not any(path[:length] in twice for length in range(len(path))):
                twice.add(path)
                findings.append(_duplicate_finding(path, key_node, first=keys[path], text=text, file=file))
            keys[path] = _place(key_node)
        values[path] = _place(value_node)
    return MarkedDocument(value=value, keys=keys, values=values, findings=tuple(findings))


def _first_too_deep(text: str, loader: Any) -> yaml.Event | None:
    """Return the beginning of the first collection that is nested too deeply; events are read without recursion."""
    depth = 0
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                return event
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return None


def _first_scalar(
    node: yaml.Node | None, is_meant: Callable[[yaml.ScalarNode], bool]
) -> yaml.ScalarNode | None:
    """Return the first text, key or value, of which something is so."""
    for _, *pair in _walk(node, ()):
        for each in pair:
            if isinstance(each, yaml.ScalarNode) and is_meant(each):
                return each
    return None


def _is_too_long(node: yaml.ScalarNode) -> bool:
    """Tell whether a number has so many digits that no message could show it."""
    return len(node.value) > _LONGEST_NUMBER and str(node.tag).endswith((":int", ":float"))


def _is_unreadable(node: yaml.ScalarNode) -> bool:
    """Tell whether no value can be made of a text."""
    try:
        yaml.constructor.SafeConstructor().construct_object(node)
    except (yaml.YAMLError, ValueError, KeyError, AttributeError, IndexError):
        return True
    return False


def locate(text: str, *, file: str, line: int, column: int) -> Location:
    """Return the location with the source line that the caret stands under."""
    lines = text.splitlines()
    source = lines[line - 1] if 0 < line <= len(lines) else ""
    return Location(file=file, line=line, column=column, source=source)


def is_bloated(node: yaml.Node | None) -> bool:
    """Tell whether a document stands for more values than any real one, its aliases resolved."""
    return _size(node, known={}, most=MOST_NODES) > MOST_NODES


def _size(node: yaml.Node | None, *, known: dict[int, int], most: int) -> int:
    """Return how many values a node stands for, its aliases resolved; a node inside itself counts as too many."""
    if not isinstance(node, yaml.CollectionNode):
        return 1
    if id(node) not in known:
        known[id(node)] = most + 1  # holds while its own parts are counted: only a cycle sees it
        parts = (part for item in node.value for part in (item if isinstance(item, tuple) else (item,)))
        known[id(node)] = 1 + sum(_size(part, known=known, most=most) for part in parts)
    return known[id(node)]


def _size_finding(seen: str, text: str, *, file: str) -> Finding:
    return Finding(
        code="CFG005",
        severity=Severity.ERROR,
        title="the book is too large",
        location=locate(text, file=file, line=1, column=1),
        evidence=seen,
        fix="split it, and look for a YAML alias that stands inside itself or is repeated many times",
    )


def _walk(
    node: yaml.Node | None, path: Path, depth: int = 0
) -> Iterator[tuple[Path, yaml.Node | None, yaml.Node]]:
    if node is None or depth > 100:  # an alias can refer to its own parent
        return
    if depth == 0:
        yield path, None, node
    if isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            child = (*path, str(key_node.value))
            yield child, key_node, value_node
            yield from _walk(value_node, child, depth + 1)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield (*path, index), None, item
            yield from _walk(item, (*path, index), depth + 1)


def _place(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _syntax_finding(error: Exception, *, text: str, file: str) -> Finding:
    mark = getattr(error, "problem_mark", None)
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    return Finding(
        code="CFG001",
        severity=Severity.ERROR,
        title=f"not valid YAML: {problem}",
        location=locate(text, file=file, line=line, column=column),
        fix="check indentation, quotes and brackets near this place",
    )


def _depth_finding(event: yaml.Event, *, text: str, file: str) -> Finding:
    mark = event.start_mark
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    return Finding(
        code="CFG005",
        severity=Severity.ERROR,
        title="the book is too large",
        location=locate(text, file=file, line=line, column=column),
        evidence=f"lists and maps nested more than {DEEPEST} deep",
        fix="no book is so deep; look for brackets that are never closed",
    )


def _kind_finding(node: yaml.ScalarNode, *, text: str, file: str) -> Finding:
    line, column = _place(node)
    kind = node.tag.rpartition(":")[2]
    return Finding(
        code="CFG001",
        severity=Severity.ERROR,
        title=f"not valid YAML: `{str(node.value)[:60]}` is no {kind}",
        location=locate(text, file=file, line=line, column=column),
        fix="put it into quotes if it is a text, and leave `!!` away",
    )


def _duplicate_finding(
    path: Path, node: yaml.Node, *, first: tuple[int, int], text: str, file: str
) -> Finding:
    line, column = _place(node)
    return Finding(
        code="CFG002",
        severity=Severity.ERROR,
        title=f"key `{path[-1]}` stands twice, first on line {first[0]}",
        location=locate(text, file=file, line=line, column=column),
        fix="keep one of the two",
    )
