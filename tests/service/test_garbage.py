"""The rounds of the collector of garbage in a worker."""

import subprocess
import sys

# A process of its own: freezing what the test session holds would be no test's right.
_STORY = """
import gc
from opsctl.service import garbage
class Node:
    pass
def make_cycle():
    node = Node(); node.itself = node; return node
tidy = garbage.Tidy()
kept = [make_cycle() for _ in range(1000)]
tidy()
print("walked", any(isinstance(each, Node) for each in gc.get_objects()))
del kept
tidy()
print("left", gc.get_freeze_count() > 0)
for _ in range(garbage._ROUNDS_TO_A_WHOLE_ONE):
    tidy()
gc.unfreeze()
print("alive", sum(isinstance(each, Node) for each in gc.get_objects()))
"""


def test_what_lives_long_is_not_walked_and_its_garbage_is_found_within_an_hour() -> None:
    """A round leaves nothing of what is kept to the collector; the hourly one finds cycles among it."""
    ended = subprocess.run(
        [sys.executable, "-c", _STORY], capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.stdout.splitlines() == ["walked False", "left True", "alive 0"], ended.stderr
