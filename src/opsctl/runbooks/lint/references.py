"""Do the links of the runbooks lead somewhere, and does the graph of alert, panel, runbook and drill close?"""

import re
from collections.abc import Iterator
from urllib.parse import unquote

from opsctl.core.findings import Severity
from opsctl.core.lint_checks import Complaint
from opsctl.runbooks import links as graph
from opsctl.runbooks.calls import opsctl_calls
from opsctl.runbooks.lint.registry import CHECKS, LintContext, at
from opsctl.runbooks.model import STUB, Runbook

_PANEL = re.compile(r"`(?P<key>[a-z][a-z0-9_-]*/[a-z][a-z0-9_]*)`")
_FAULT = re.compile(r"fault `(?P<name>[a-z][a-z0-9_]*)`")
_PROVES = re.compile(r"`opsctl alerts prove (?P<name>\w+)`")
_DRILLS = re.compile(r"`opsctl dr drill (?P<name>\w+)`")
_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*:", re.IGNORECASE)


@CHECKS.check("RBK009")
def dead_links(context: LintContext) -> Iterator[Complaint]:
    """A link leads to a file or a heading that is not there."""
    for runbook in context.runbooks.values():
        for link in runbook.links:
            problem = None if _SCHEME.match(link.target) else _dead(link.target, runbook, context)
            if problem is not None:
                yield Complaint(title=problem, location=at(runbook, link.line))


@CHECKS.check("RBK010")
def closed_graph(context: LintContext) -> Iterator[Complaint]:
    """Alert, panel, runbook and drill do not agree: following the links from one does not lead back to it.

    A rule names a panel that is there and draws its line; its runbook has the rule's name as title and names the same
    panel and the same drill; the drill's fault can be made; and `opsctl alerts prove` in it proves this rule. The runbook
    of a loss drills that loss; the alert that tells of it is there, and its own runbook links to that of the loss.
    """
    yield from _found(context, graph.CODE)


@CHECKS.check("RBK017", Severity.INFO)
def unused_faults(context: LintContext) -> Iterator[Complaint]:
    """A fault can be made, and no alert names it as its drill: nobody knows whether it would be seen."""
    yield from _found(context, graph.UNUSED_CODE)


def link_graph(context: LintContext) -> graph.LinkGraph:
    """Return what leads to what; a stub leads nowhere yet, which RBK004 says."""
    written = {name: each for name, each in context.runbooks.items() if STUB not in each.text}
    return graph.LinkGraph(
        alerts=context.nodes,
        panels=context.panels,
        runbooks={name: _node(each) for name, each in written.items()},
        faults=context.faults,
        recoveries=[
            graph.RecoveryNode(name=each.name, location=each.book, runbook=each.file, alert=each.alert)
            for each in context.recoveries
        ],
    )


def _found(context: LintContext, code: str) -> Iterator[Complaint]:
    for finding in graph.check_links(link_graph(context)):
        if finding.code == code:
            yield Complaint(title=finding.title, location=finding.location, fix=finding.fix)


def _node(runbook: Runbook) -> graph.RunbookNode:
    table = "\n".join(line for line in runbook.text.splitlines() if line.startswith("|"))
    return graph.RunbookNode(
        location=at(runbook, 1),
        title=runbook.headings[0].text if runbook.headings else "",
        panels=frozenset(_PANEL.findall(table)),
        faults=frozenset(_FAULT.findall(table)),
        proves=frozenset(_PROVES.findall(table)) | _named_in_commands(runbook, ["alerts", "prove"]),
        drills=frozenset(_DRILLS.findall(table)) | _named_in_commands(runbook, ["dr", "drill"]),
        links=frozenset(unquote(link.target).removeprefix("./") for link in runbook.links),
    )


def _named_in_commands(runbook: Runbook, verb: list[str]) -> frozenset[str]:
    """Return what the commands of a runbook name behind a verb of opsctl."""
    return frozenset(
        name
        for step in runbook.steps
        for _, words in opsctl_calls(step)
        if words[:2] == verb
        for name in words[2:]
        if not name.startswith("-")
    )


def _dead(target: str, runbook: Runbook, context: LintContext) -> str | None:
    """Return why a relative link leads nowhere; None where it does not."""
    written, _, anchor = target.partition("#")
    path = unquote(written).removeprefix("./")
    there = runbook if not path else context.runbooks.get(path)
    anchors = context.anchors(path) if there is None else there.anchors
    if anchors is None:
        return f"`{target}` leads nowhere"
    if anchor and unquote(anchor).lower() not in anchors:
        return f"`{target}` leads to a heading that is not there"
    return None
