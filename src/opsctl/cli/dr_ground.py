"""On what are losses drilled: a stack of its own with readers, watchers, archiver and backups, and a repository outside of it."""

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opsctl.cli.proving_ground import ProvingGround
    from opsctl.cli.proving_watchers import LiveWatchers
    from opsctl.core.events import Listener

SIMULATED = ("readers",)
SIMULATED_QUICKLY = ("readers", "detection")
_SETTLE_SECONDS = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What survives: folders beside the ground, as another machine and the owner's safe would be."""

    folder: Path

    @property
    def repository(self) -> Path:
        """Return the repository."""
        return self.folder / "repository"

    @property
    def offsite(self) -> Path:
        """Return the off-site copy."""
        return self.folder / "offsite"

    @property
    def key(self) -> Path:
        """Return the file of the secret key."""
        return self.folder / "backup.key"

    @property
    def canary_log(self) -> Path:
        """Return what the canary writes down."""
        return self.folder / "canary.jsonl"

    @property
    def empty(self) -> Path:
        """Return a folder with nothing in it, as on a new machine."""
        return self.folder / "empty"

    @property
    def elsewhere(self) -> Path:
        """Return the folder of a stack on other ports, for a region that is lost."""
        return self.folder / "elsewhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class LossStage:
    """A ground on which something can be lost, and what stands outside of it."""

    ground: "ProvingGround"
    watchers: "LiveWatchers | None"
    outside: Outside


@contextmanager
def loss_stage(
    listener: "Listener", *, is_quick: bool = False, has_older_backup: bool = False
) -> Iterator[LossStage]:
    """Make a ground with a whole backup of it, and end all of it with the block.

    Args:
        listener: hears of it.
        is_quick: without watchers.
        has_older_backup: verify that backup, and make another one after it.
    """
    from opsctl.cli import proving_setup, watching, wiring

    clock, settings = wiring.clock(), wiring.settings()
    books, rules = watching.load_rules()
    outside = Outside(folder=settings.home / "proving-outside")
    _clear(outside)  # of a drill that was killed
    with (
        ExitStack() as closing,
        proving_setup.proving_ground(settings, clock=clock, listener=listener, has_lines=False) as ground,
    ):
        closing.callback(_clear, outside)
        proving_setup.tell_of_ground(listener, ground)
        _write_backup_book(ground, outside)
        ground.opsctl("collections", "rebuild", "--watch", "0s")
        watchers = None if is_quick else proving_setup.watch(ground, books=books, rules=rules, clock=clock)
        ground.opsctl("stack", "up", "archiver")
        ground.opsctl("dr", "backup", "--full")
        if has_older_backup:
            ground.opsctl("dr", "verify")
            ground.opsctl("dr", "backup", "--full")
        clock.sleep(0.0 if is_quick else _SETTLE_SECONDS)
        yield LossStage(ground=ground, watchers=watchers, outside=outside)


def _clear(outside: Outside) -> None:
    """End the stack elsewhere, where there is one, and remove everything outside."""
    from opsctl.cli import wiring
    from opsctl.core.events import ignore
    from opsctl.stack.down import stop_stack
    from opsctl.stack.placement import remove_state

    home = outside.elsewhere / ".opsctl"
    if home.is_dir():
        stop_stack(home, listener=ignore, clock=wiring.clock())
        remove_state(home)
    shutil.rmtree(outside.folder, ignore_errors=True)


def _write_backup_book(ground: "ProvingGround", outside: Outside) -> None:
    """Let the ground's backups go outside, encrypted, as the project's book would have them otherwise."""
    import yaml

    from opsctl.cli import dr_place
    from opsctl.clients.files import write_atomically

    made = json.loads(ground.opsctl("dr", "key", "--to", str(outside.key), "--json"))["data"]
    book: dict[str, Any] = dr_place.book().model_dump(mode="json")
    book |= {
        "repository": str(outside.repository),
        "offsite": str(outside.offsite),
        "encryption": {"recipients": [made["recipient"]], "identity_file": str(outside.key)},
    }
    write_atomically(ground.root / "ops" / "backup.yaml", yaml.safe_dump(book))
