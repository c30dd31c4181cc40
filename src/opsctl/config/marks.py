"""Where in a YAML file does a key or value stand: a document together with the place of every node."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from opsctl.core.findings import Finding, Location, Severity

Path = tuple[str | int, ...]


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
    try:
        node = yaml.compose(text, Loader=loader)
        value = yaml.load(text, Loader=loader)  # noqa: S506 - both loaders are the safe ones
    except (yaml.YAMLError, ValueError) as error:
        return MarkedDocument(value=None, findings=(_syntax_finding(error, text=text, file=file),))
    keys: dict[Path, tuple[int, int]] = {}
    values: dict[Path, tuple[int, int]] = {}
    findings: list[Finding] = []
    twice: set[Path] = set()
    for path, key_node, value_node in _walk(node, ()):
        if key_node is not None:
            if path in keys and not any(path[:length] in twice for length in range(len(path))):
                twice.add(path)
                findings.append(_duplicate_finding(path, key_node, first=keys[path], text=text, file=file))
            keys[path] = _place(key_node)
        values[path] = _place(value_node)
    return MarkedDocument(value=value, keys=keys, values=values, findings=tuple(findings))


def locate(text: str, *, file: str, line: int, column: int) -> Location:
    """Return the location with the source line that the caret stands under."""
    lines = text.splitlines()
    source = lines[line - 1] if 0 < line <= len(lines) else ""
    return Location(file=file, line=line, column=column, source=source)


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
