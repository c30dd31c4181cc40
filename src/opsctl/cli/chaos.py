"""Commands of `opsctl chaos`: drills, the faults that they make, and what came of them."""

from opsctl.cli import chaos_lists, chaos_run, chaos_toolkit
from opsctl.cli.options import group

app = group(
    "Chaos drills: something is broken on ground of our own, and what must hold is watched all the while."
)

chaos_lists.register(app)
chaos_run.register(app)
chaos_toolkit.register(app)
