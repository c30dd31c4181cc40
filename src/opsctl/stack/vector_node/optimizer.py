"""What the optimiser child does: copy the shard, optimise the copy, catch up with the writes made meanwhile."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.clients.files import sync_tree
from opsctl.stack.vector_node.children import die_with_parent
from opsctl.stack.vector_node.convert_config import engine_config
from opsctl.stack.vector_node.convert_points import parse_write
from opsctl.stack.vector_node.journal import read_journal
from opsctl.stack.vector_node.light_models import skip_client_imports
from opsctl.stack.vector_node.shard import read_pointer

if TYPE_CHECKING:
    import qdrant_edge as edge

_NICENESS = 5  # queries come first
_SMALL_REST_BYTES = 1_000_000  # the worker replays that much itself in some ten milliseconds
_MOST_ROUNDS = 20  # a writer faster than the replay must not keep the result back for ever


def main() -> None:
    """Optimise `root`/`source` into `root`/`target`, with the journal of writes as fourth argument."""
    die_with_parent()
    root, source, target, journal = Path(sys.argv[1]), *sys.argv[2:4], Path(sys.argv[4])
    copy_shard(root / source, target=root / target)
    _say("copied")
    os.nice(_NICENESS)
    skip_client_imports()
    import qdrant_edge as edge

    params, _directory = read_pointer(root)
    engine = edge.EdgeShard.load(str(root / target), engine_config(params))
    engine.optimize()
    engine.flush()
    offset = _catch_up(engine, journal=journal)
    engine.flush()
    engine.close()
    # The original goes when the copy takes its place; the engine syncs only the files that it wrote itself.
    sync_tree(root / target)
    _say(f"caught_up {offset}")


def copy_shard(source: Path, *, target: Path) -> None:
    """Copy a flushed shard directory: shared blocks where the file system can, holes kept as holes."""
    if sys.platform == "linux":
        subprocess.run(["cp", "-a", "--reflink=auto", "--sparse=always", source, target], check=True)
    else:
        shutil.copytree(source, target)


def _catch_up(engine: "edge.EdgeShard", *, journal: Path) -> int:
    offset = 0
    for _round in range(_MOST_ROUNDS):
        for frame, end in read_journal(journal, offset=offset):
            for operation in parse_write(frame.head["op"], args=frame.head.get("args", {}), body=frame.body):
                engine.update(operation)
            offset = end
        if journal.stat().st_size - offset < _SMALL_REST_BYTES:
            break
    return offset


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
