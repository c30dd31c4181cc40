"""Nodes of their own for tests that kill, restart or lock one."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.running_node import RunningNode, start_node


@pytest.fixture
def new_node(tmp_path: Path) -> Iterator[Callable[..., RunningNode]]:
    """Give a function that starts a node; it is ended after the test."""
    started: list[RunningNode] = []

    def start(*arguments: str) -> RunningNode:
        node = start_node(tmp_path / f"node-{len(started)}", *arguments)
        started.append(node)
        return node

    yield start
    for node in started:
        node.end()
