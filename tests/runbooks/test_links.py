"""The graph of alert, panel, runbook and drill: closed, or told where it is not."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.core.findings import Location
from opsctl.runbooks.links import AlertNode, LinkGraph, RecoveryNode, RunbookNode, check_links

BOOK, PAGE = Location(file="alerts/a.yaml", line=3), Location(file="docs/runbooks/slow.md", line=1)
ALERT = AlertNode(
    rule="slow",
    location=BOOK,
    panel="system/time",
    runbook="slow.md",
    fault="brake",
    alerts=frozenset({"slow", "slow_fast"}),
)
RUNBOOK = RunbookNode(
    location=PAGE,
    title="slow",
    panels=frozenset({"system/time"}),
    faults=frozenset({"brake"}),
    proves=frozenset({"slow_fast"}),
)
CLOSED = LinkGraph(
    alerts=[ALERT],
    panels={"system/time": frozenset({"slow", "slow_fast"}), "system/other": frozenset()},
    runbooks={"slow.md": RUNBOOK},
    faults=frozenset({"brake"}),
)


LOSS_BOOK, LOSS_PAGE = (
    Location(file="ops/recoveries/all.yaml", line=1),
    Location(file="docs/runbooks/recover_all.md", line=1),
)
LOSS = RecoveryNode(name="all", location=LOSS_BOOK, runbook="recover_all.md", alert="slow_fast")
LOSS_RUNBOOK = RunbookNode(
    location=LOSS_PAGE,
    title="recover_all",
    panels=frozenset(),
    faults=frozenset(),
    proves=frozenset(),
    drills=frozenset({"all"}),
)
WITH_LOSS = replace(
    CLOSED,
    runbooks={
        "slow.md": replace(RUNBOOK, links=frozenset({"recover_all.md"})),
        "recover_all.md": LOSS_RUNBOOK,
    },
    recoveries=[LOSS],
)


def told(graph):
    """Return what is found, with its place."""
    return [(finding.title, finding.location) for finding in check_links(graph)]


def with_loss_runbook(**changes):
    """Return the graph with another runbook of the loss."""
    runbooks = {**WITH_LOSS.runbooks, "recover_all.md": replace(LOSS_RUNBOOK, **changes)}
    return replace(WITH_LOSS, runbooks=runbooks)


def with_runbook(**changes):
    """Return the graph with another runbook."""
    return replace(CLOSED, runbooks={"slow.md": replace(RUNBOOK, **changes)})


def test_a_closed_graph_gives_nothing():
    """An alert's name stands for its rule."""
    assert told(CLOSED) == []
    assert told(WITH_LOSS) == []


BROKEN = {
    "no panel": (
        replace(CLOSED, panels={"system/other": frozenset()}),
        [("slow: there is no panel `system/time`", BOOK), ("there is no panel `system/time`", PAGE)],
    ),
    "a panel that draws no line": (
        replace(CLOSED, panels={"system/time": frozenset({"slow"})}),
        [("the panel `system/time` does not show slow_fast", BOOK)],
    ),
    "no fault": (replace(CLOSED, faults=frozenset()), [("slow: there is no fault `brake`", BOOK)]),
    "another title": (with_runbook(title="fast"), [("the title is `fast`, the rule is `slow`", PAGE)]),
    "another panel": (
        with_runbook(panels=frozenset({"system/other"})),
        [("does not name the panel `system/time` of slow", PAGE)],
    ),
    "another drill": (
        with_runbook(faults=frozenset({"wall"})),
        [
            ("does not name the drill `brake` of slow", PAGE),
            ("names the drill `wall`, which is not that of slow", PAGE),
        ],
    ),
    "a drill where there is none": (
        replace(CLOSED, alerts=[replace(ALERT, fault=None)], faults=frozenset()),
        [("names the drill `brake`, which is not that of slow", PAGE)],
    ),
    "another proof": (
        with_runbook(proves=frozenset({"fast"})),
        [("its drill proves `fast`, not slow", PAGE)],
    ),
    "a loss with another title": (
        with_loss_runbook(title="all"),
        [("the title is `all`, the page is `recover_all`", LOSS_PAGE)],
    ),
    "a loss with another drill": (
        with_loss_runbook(drills=frozenset({"all", "none"})),
        [("drills `none`, not all", LOSS_PAGE)],
    ),
    "a loss that no alert tells of": (
        replace(WITH_LOSS, recoveries=[replace(LOSS, alert="gone")]),
        [("all: there is no alert `gone`", LOSS_BOOK)],
    ),
    "an alert that does not lead to the loss": (
        replace(WITH_LOSS, runbooks={**WITH_LOSS.runbooks, "slow.md": RUNBOOK}),
        [("does not lead to `recover_all.md`, and all says that slow_fast tells of it", PAGE)],
    ),
    "a fault for nothing": (
        replace(CLOSED, faults=frozenset({"brake", "wall"})),
        [("no alert names the fault `wall`, so nobody knows whether it would be seen", None)],
    ),
}


@pytest.mark.parametrize(("graph", "expected"), BROKEN.values(), ids=BROKEN)
def test_a_link_that_leads_nowhere_or_not_back_is_told_at_its_place(graph, expected):
    """In the book where the book is wrong, in the runbook where that is."""
    assert told(graph) == expected


def test_a_runbook_that_is_missing_is_told_elsewhere():
    """RBK001 has the fix; twice would be once too often."""
    assert told(replace(CLOSED, runbooks={})) == []


@given(st.sets(st.sampled_from(["a", "b", "c", "d"]), min_size=1))
def test_graphs_made_from_the_rules_are_closed_and_lose_it_with_any_panel(names):
    """Whatever the number of rules."""
    rules = [
        replace(
            ALERT, rule=name, panel=f"x/{name}", runbook=f"{name}.md", fault=name, alerts=frozenset({name})
        )
        for name in sorted(names)
    ]
    graph = LinkGraph(
        alerts=rules,
        panels={rule.panel: rule.alerts for rule in rules},
        runbooks={
            rule.runbook: RunbookNode(
                location=PAGE,
                title=rule.rule,
                panels=frozenset({rule.panel}),
                faults=frozenset({rule.fault or ""}),
                proves=frozenset(),
            )
            for rule in rules
        },
        faults=frozenset(names),
    )

    assert told(graph) == []
    for rule in rules:
        kept = {panel: shown for panel, shown in (graph.panels or {}).items() if panel != rule.panel}
        assert any(rule.rule in title for title, _ in told(replace(graph, panels=kept)))
