"""Every fault can be made and taken back, and leaves nothing behind."""

import os
from collections.abc import Callable, Mapping

import pytest

from opsctl.chaos.model import Fault
from opsctl.chaos.pressing import PRESSES
from opsctl.chaos.proxy.toxics import Toxic, as_mapping, parse_toxic
from opsctl.chaos.registry import all_faults, fault_named, needs_of_holder
from opsctl.core.errors import UsageError

FAULTS = all_faults()
CONFIGURATION = '- job_name: service\n  static_configs:\n  - targets: ["127.0.0.1:1"]\nreceivers:\n  - slack_configs: [{api_url: http://sink/}]\n'


class RememberingGround:
    """A ground that only remembers what is not as it was."""

    def __init__(self) -> None:
        self.changed: set[str] = set()
        self.happened: list[str] = []
        self.burdens: dict[str, int] = {}
        self.holder_needed = False
        """Whether anything was changed that is there only as long as the process that changed it."""

    def kill(self, part: str) -> None:
        """Remember that a part is down."""
        self._change(f"part {part}")

    def start(self, part: str) -> None:
        """Forget it."""
        self.changed.discard(f"part {part}")

    def stutter(self, part: str, *, stalled_seconds: float, running_seconds: float) -> None:
        """Remember that a part stutters."""
        assert stalled_seconds > 0
        assert running_seconds > 0
        self.holder_needed = True
        self._change(f"stutter {part}")

    def run_steadily(self, part: str) -> None:
        """Forget it."""
        self.changed.discard(f"stutter {part}")

    def kill_workers(self, *, how_many: int | None = None) -> None:
        """Remember that workers died; the main process starts others by itself."""
        self.happened.append("kill workers")

    def pause(self, part: str) -> None:
        """Remember that a part stands still."""
        self._change(f"pause {part}")

    def resume(self, part: str) -> None:
        """Forget it."""
        self.changed.discard(f"pause {part}")

    def disturb(self, line: str, toxic: Toxic, *, by: str) -> None:
        """Remember the line and whose it is, once the toxic was read back as the proxy would."""
        assert parse_toxic(as_mapping(toxic)) == toxic
        self._change(f"line {line} by {by}")

    def calm(self, line: str, *, by: str) -> None:
        """Forget it."""
        self.changed.discard(f"line {line} by {by}")

    def burden(self, resource: str, *, amount: int) -> None:
        """Remember the burden."""
        assert amount > 0
        self.burdens[resource] = amount
        self._change(f"burden {resource}")

    def unburden(self, resource: str) -> None:
        """Forget it."""
        self.changed.discard(f"burden {resource}")

    def limit(self, resource: str) -> None:
        """Remember the limit."""
        self._change(f"limit {resource}")

    def unlimit(self, resource: str) -> None:
        """Forget it."""
        self.changed.discard(f"limit {resource}")

    def forget_what_is_popular(self) -> None:
        """Remember that the file went; a running worker writes it anew."""
        self.happened.append("forget popular")

    def press(self, how: str, *, per_second: float) -> None:
        """Remember who presses."""
        assert how in PRESSES
        assert per_second > 0
        self.holder_needed = True
        self._change("press")

    def relieve(self) -> None:
        """Forget it."""
        self.changed.discard("press")

    def let_retry(self, *, times: int) -> None:
        """Remember that clients repeat otherwise than usual, even where they repeat nothing now."""
        assert times >= 0
        self.holder_needed = True
        self._change("retries")

    def retry_as_usual(self) -> None:
        """Forget it."""
        self.changed.discard("retries")

    def poison_shared_cache(self) -> None:
        """Remember that the cache was poisoned."""
        self._change("poison")

    def cleanse_shared_cache(self) -> None:
        """Forget it."""
        self.changed.discard("poison")

    def execute(self, *statements: str) -> None:
        """Remember that statements ran."""
        self.happened += statements

    def hold(self, statement: str) -> None:
        """Remember the open transaction."""
        self.holder_needed = True
        self._change("transaction")

    def release(self) -> None:
        """Forget it."""
        self.changed.discard("transaction")

    def send(self, *, returning: float, new: float) -> None:
        """Remember that readers ask otherwise than usual."""
        self.holder_needed = True
        self._change("traffic")

    def send_as_usual(self) -> None:
        """Forget it."""
        self.changed.discard("traffic")

    def opsctl(self, *words: str) -> str:
        """Remember the command."""
        self.happened.append(" ".join(words))
        return ""

    def edit(self, part: str, change: Callable[[str], str]) -> None:
        """Remember that a watcher's file is another."""
        assert change(CONFIGURATION) != CONFIGURATION
        self._change(f"file {part}")

    def unedit(self, part: str) -> None:
        """Forget it."""
        self.changed.discard(f"file {part}")

    def post_alert(self, labels: Mapping[str, str]) -> None:
        """Remember the alert."""
        self.happened.append(labels["alertname"])

    def damage_shared_cache(self) -> None:
        """Remember the damage; the service mends it by itself."""
        self.happened.append("damage")

    def _change(self, what: str) -> None:
        self.changed.add(what)
        self.happened.append(what)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_does_something_and_its_undo_leaves_nothing(fault: Fault):
    """Twice, as a command that was interrupted undoes once more."""
    ground = RememberingGround()

    fault.apply(ground)
    assert ground.happened or fault.name == "nothing"
    fault.undo(ground)
    fault.undo(ground)

    assert ground.changed == set()


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_undoing_what_was_never_made_is_harmless(fault: Fault):
    """A command may be killed before the fault is there."""
    ground = RememberingGround()

    fault.undo(ground)

    assert ground.changed == set()


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_that_would_end_with_its_maker_says_so(fault: Fault):
    """By hand it would be gone with the command, so it is refused there."""
    ground = RememberingGround()

    fault.apply(ground)

    assert bool(needs_of_holder(fault.name)) == ground.holder_needed


@pytest.mark.parametrize(
    ("one", "other"), [("vectors_slow", "vectors_failing"), ("retry_storm", "vectors_failing")]
)
def test_of_two_faults_on_one_line_the_other_stays(one: str, other: str):
    """Each takes back only its own."""
    ground = RememberingGround()
    fault_named(one).apply(ground)
    fault_named(other).apply(ground)

    fault_named(one).undo(ground)

    assert ground.changed == {f"line vectors by {fault_named(other).code}"}


def test_others_take_one_process_for_each_core():
    """More would starve the readers who measure, fewer would leave the service a core."""
    ground = RememberingGround()

    fault_named("cpu_taken").apply(ground)

    assert ground.burdens == {"cpu": len(os.sched_getaffinity(0))}


def test_codes_are_unique_and_explained():
    """`opsctl explain FLT002` has a page."""
    assert len({fault.code for fault in FAULTS.values()}) == len(FAULTS)
    assert all(
        fault.code.startswith("FLT") and fault.title and fault.explanation for fault in FAULTS.values()
    )


def test_a_wrong_name_leads_to_the_right_one():
    """By its spelling."""
    with pytest.raises(UsageError) as caught:
        fault_named("vector_down")

    assert caught.value.code == "FLT000"
    assert "vectors_down" in str(caught.value.fix)
